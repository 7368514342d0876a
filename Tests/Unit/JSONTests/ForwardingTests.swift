import JSON
import TestSupport
import Testing

struct ForwardingTests {
    @Test(
        arguments: [
            "9223372036854775808", "1e400", "1.0", "-0", "1E+05", "0.10",
            "[9223372036854775808,-9223372036854775809,1e400,1.0,1.00,100000000000000000000000000000]",
            #"{"b":1,"a":2,"c":{"z":0,"y":0}}"#, #"{"":""}"#, #"["\u0041\/","A/","é","\u00e9"]"#,
            #"{"\u0061":1,"\/":2}"#, "[[],[[]],{},[{}]]",
        ])
    func `a compact text is forwarded byte for byte`(text: String) throws {
        let root = try parse(text)
        #expect(root.document.isCompact)
        #expect(forwarded(root) == text)
        #expect(root.text == text)
    }

    @Test(
        arguments: [
            (" 1", "1"), ("1 ", "1"), ("\n\"a b\"\t", #""a b""#), ("[ ]", "[]"), ("{ }", "{}"),
            ("[ 1 , 2 ]", "[1,2]"), ("[[ ],[ ]]", "[[],[]]"), ("[ [ ] , [ [ ] ] , 1 ]", "[[],[[]],1]"),
            (#"{ "a" : 1 , "b" : 2 }"#, #"{"a":1,"b":2}"#),
            (#"{"a": [ ], "b": { }, "c": [ { } , 1 ]}"#, #"{"a":[],"b":{},"c":[{},1]}"#),
            (#"{"a":{"b":{"c": 1}},"d":"x"}"#, #"{"a":{"b":{"c":1}},"d":"x"}"#),
            (#"[{"a":1} ,{"a":2}]"#, #"[{"a":1},{"a":2}]"#),
            (#"{"a":"x","b" :"y"}"#, #"{"a":"x","b":"y"}"#),
            (#"[ "  " , "\n\t\u0020" ]"#, #"["  ","\n\t\u0020"]"#),
            ("[1.0 ,1e400,\r\n9223372036854775808]", "[1.0,1e400,9223372036854775808]"),
            ("[true ,false,null]", "[true,false,null]"),
        ])
    func `white space between tokens is dropped, and nothing else changes`(
        text: String, compact: String
    ) throws {
        let root = try parse(text)
        #expect(!root.document.isCompact)
        #expect(forwarded(root) == compact)
    }

    @Test(
        arguments: [
            #"{"skip":[1],"params":{"x":[1.0,{"y":"\u0041"}],"z":{}},"after":[[]]}"#,
            #"{ "skip" : [ 1 ] , "params" : { "x" : [ 1.0 , { "y" : "\u0041" } ] , "z" : { } } , "after":[[]] }"#,
        ])
    func `a part is forwarded alone, as itself, inside what we write`(text: String) throws {
        let params = try #require(try parse(text)["params"])
        #expect(forwarded(params) == #"{"x":[1.0,{"y":"\u0041"}],"z":{}}"#)
        let x = try #require(params["x"])
        let z = try #require(params["z"])
        let message = written {
            $0.object {
                $0.member("first", x)
                $0.array("then") {
                    $0.value(z)
                    $0.value(x)
                    $0.integer(1)
                }
                for element in x.elements { $0.member("element", element) }
                $0.member("last", true)
            }
        }
        let parts = (x: #"[1.0,{"y":"\u0041"}]"#, y: #"{"y":"\u0041"}"#)
        #expect(
            message
                == #"{"first":\#(parts.x),"then":[{},\#(parts.x),1],"element":1.0,"element":\#(parts.y),"last":true}"#
        )
    }

    @Test func `a value knows its bytes, white space inside included, and where they stand`() throws {
        let root = try parse(#" {"a" : [1, 2] , "b":"é"} "#)
        #expect(root.byteRange == 1..<26)
        #expect(root["a"]?.text == "[1, 2]")
        #expect(root["a"]?.byteRange == 8..<14)
        #expect(root["b"]?.text == #""é""#)
        #expect(root["b"]?.byteRange == 21..<25)
    }

    @Test func `2,000 random texts, with white space thrown in, are forwarded as they were without it`()
        throws
    {
        var random = SeededGenerator(seed: 0x10)
        for _ in 0..<2000 {
            let tokens = RandomText.tokens(&random)
            let compact = tokens.joined()
            let spaced = tokens.map { RandomText.whiteSpace(&random) + $0 }.joined()
            let root = try parse(spaced)
            #expect(forwarded(root) == compact)
            #expect(root.document.isCompact == (spaced == compact))
            #expect(try forwarded(parse(compact)) == compact)
        }
    }
}
