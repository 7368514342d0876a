import JSON
import Testing

@testable import Tools

struct ArgumentsTests {
    private func value(_ text: String) throws -> JSONValue {
        try JSONDocument(Array(text.utf8)).root
    }

    @Test func `known arguments are there by name, the others are not`() throws {
        let arguments = try Arguments(value(#"{"path":"/etc","depth":2}"#), known: ["path", "depth", "all"])
        #expect(arguments["path"]?.string == "/etc")
        #expect(arguments["depth"]?.integer == 2)
        #expect(arguments["all"] == nil)
    }

    @Test func `no arguments are no arguments, present or absent`() throws {
        #expect(try Arguments(nil, known: ["path"])["path"] == nil)
        #expect(try Arguments(value("{}"), known: [])["path"] == nil)
    }

    @Test(arguments: [
        (#"{"pth":1}"#, ["path", "depth"], #"unknown argument "pth" (known: depth, path)"#),
        (#"{"path":1,"Path":2}"#, ["path"], #"unknown argument "Path" (known: path)"#),
        (#"{"p\u0061th ":1}"#, ["path"], #"unknown argument "path " (known: path)"#),
        (#"{"":1}"#, ["path"], #"unknown argument "" (known: path)"#),
        (#"{"x":1}"#, [], #"unknown argument "x" (known: it takes none)"#),
    ])
    func `an argument that the tool does not know is named`(
        text: String, known: [String], fault: String
    ) throws {
        let value = try value(text)
        #expect(throws: Arguments.Fault(fault)) {
            _ = try Arguments(value, known: Set(known))
        }
    }

    @Test func `an escaped name is the name that it says`() throws {
        let arguments = try Arguments(value(#"{"p\u0061th":"/"}"#), known: ["path"])
        #expect(arguments["path"]?.string == "/")
    }
}
