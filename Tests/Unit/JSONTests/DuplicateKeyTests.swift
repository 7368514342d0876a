import JSON
import Testing

struct DuplicateKeyTests {
    private func offset(_ text: String) throws -> Int? { try parse(text).document.duplicateKeyOffset }

    @Test(
        arguments: [
            (#"{"a":1,"a":1}"#, 7), (#"{"a":1,"b":2,"a":3}"#, 13), (#"{"":1,"":2}"#, 6),
            (#"{"a":{"a":1},"a":2}"#, 13), (#"{"a":[1,2,{"b":3}],"a":4}"#, 19),
            // The same name, spelt differently.
            (#"{"a":1,"\u0061":2}"#, 7), (#"{"\u0061":1,"a":2}"#, 12), (#"{"/":1,"\/":2}"#, 7),
            (#"{"\u00E9":1,"\u00e9":2}"#, 12), (#"{"é":1,"\u00e9":2}"#, 8),
            (#"{"\ud83d\ude00":1,"😀":2}"#, 18),
            // In a part.
            (#"[{"a":1,"a":2}]"#, 8), (#"{"x":{"a":1,"a":2}}"#, 12), (#"[[],{"x":[{"k":1,"k":1}]}]"#, 17),
            // White space does not hide it.
            (#"{ "a" : 1 , "a" : 2 }"#, 12),
        ])
    func `a name that comes twice in one object is reported where it comes again`(
        text: String, expected: Int
    ) throws {
        #expect(try offset(text) == expected)
    }

    @Test(
        arguments: [
            "{}", #"{"a":1}"#, #"{"a":1,"b":1}"#, #"{"a":1,"A":1}"#, #"{"a":1,"aa":1,"":1}"#,
            #"{"a":{"a":{"a":1}}}"#, #"[{"a":1},{"a":1}]"#, #"{"x":{"a":1},"y":{"a":1}}"#,
            #"{"a":"b","b":"a"}"#, #"["a","a"]"#, #"{"x":["a","a"],"a":1}"#,
            // NFC and NFD look alike, and are other names; so is a name that ends in NUL.
            "{\"\u{E9}\":1,\"e\u{301}\":2}", #"{"\u00e9":1,"e\u0301":2}"#, #"{"K":1,"\u212a":2}"#,
            #"{"a":1,"a\u0000":2}"#, #"{"\\u0061":1,"a":2}"#,
        ])
    func `other names, and the same name in other objects, are no duplicates`(text: String) throws {
        #expect(try offset(text) == nil)
    }

    /// Up to eight names are compared in pairs, more of them through a set.
    @Test(arguments: [2, 3, 7, 8, 9, 10, 100])
    func `a duplicate is found at any place among few names and among many`(count: Int) throws {
        let members = (0..<count).map { #""key\#($0)":[\#($0)]"# }
        #expect(try offset("{\(members.joined(separator: ","))}") == nil)
        for (first, again) in [(0, count - 1), (0, 1), (count / 2 - 1, count - 1), (count - 2, count - 1)]
        where first != again {
            for spelling in ["key\(first)", "\\u006bey\(first)"] {
                var members = members
                members[again] = #""\#(spelling)":0"#
                let before = "{" + members[..<again].map { $0 + "," }.joined()
                let text = "{" + members.joined(separator: ",") + "}"
                #expect(try offset(text) == before.utf8.count)
            }
        }
    }

    @Test(arguments: [9, 50])
    func `NFC and NFD are other names among many, too`(count: Int) throws {
        let others = (2..<count).map { #""\#($0)":0"# }.joined(separator: ",")
        #expect(try offset("{\(others),\"\u{E9}\":1,\"e\u{301}\":2}") == nil)
    }
}
