import CommandLine
import Testing

@testable import Bridge

@Suite struct BridgeOptionsTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let arguments: [String]
        let socket: String?
        let client: String?

        init(_ arguments: [String], socket: String? = nil, client: String? = nil) {
            (self.arguments, self.socket, self.client) = (arguments, socket, client)
        }

        var testDescription: String { arguments.description }
    }

    static let cases = [
        Case([]),
        Case(["--socket", "/a"], socket: "/a"),
        Case(["--socket=/a"], socket: "/a"),
        Case(["--socket=a=b"], socket: "a=b"),
        Case(["--client", "x"], client: "x"),
        Case(["--client=--socket"], client: "--socket"),
        Case(["--client", "--help"], client: "--help"),
        Case(["--client", "a", "--client", "b"], client: "b"),
        Case(["--client", "x", "--socket", "/a"], socket: "/a", client: "x"),
        Case(
            ["--client", String(repeating: "x", count: 128)], client: String(repeating: "x", count: 128)
        ),
    ]

    @Test(
        "Options are taken with a space or an equals sign, in any order, the last one of a name",
        arguments: cases)
    func options(_ example: Case) throws {
        let request = try BridgeOptions.parse(example.arguments)
        var options = BridgeOptions()
        (options.socket, options.client) = (example.socket, example.client)
        #expect(request == .run(options))
    }

    @Test("The system's socket comes first, then that of the user's own daemon")
    func usualSocket() {
        let (system, own) = ("/run/cloister/mcp.sock", "/run/user/1/cloister/mcp.sock")
        func usual(_ directory: String?, _ there: Set<String>) -> String {
            BridgeOptions.usualSocket(runtimeDirectory: directory, isThere: there.contains)
        }
        #expect(usual("/run/user/1", [system, own]) == system)
        #expect(usual("/run/user/1", [own]) == own)
        #expect(usual("/run/user/1", []) == system)
        #expect(usual(nil, [own]) == system)
        #expect(usual("run/user/1", ["run/user/1/cloister/mcp.sock"]) == system)
    }

    @Test(
        "Help and version are asked for from anywhere",
        arguments: [
            (["--help"], Invocation<BridgeOptions>.help), (["--client", "x", "-h"], .help),
            (["--version"], .version),
            (["--version", "--nonsense"], .version),
        ])
    func requests(arguments: [String], request: Invocation<BridgeOptions>) throws {
        #expect(try BridgeOptions.parse(arguments) == request)
    }

    @Test(
        "No control character is in a name, whichever it is",
        arguments: [0...0x1F, 0x7F...0x9F] as [ClosedRange<UInt32>])
    func controlCharacters(range: ClosedRange<UInt32>) throws {
        for value in range {
            let character = try #require(Unicode.Scalar(value))
            #expect(throws: OptionReader.Fault.self) {
                try BridgeOptions.parse(["--client", "a\(character)b"])
            }
        }
        // Their neighbours are.
        for value in [0x20, 0x7E, 0xA0] as [UInt32] {
            let character = try #require(Unicode.Scalar(value))
            #expect(throws: Never.self) { try BridgeOptions.parse(["--client", "a\(character)b"]) }
        }
    }
}
