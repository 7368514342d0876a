import Cells
import JSON
import MCP
import Testing

@testable import Tools

/// The built-in tools on a machine that has all interpreters, called as the daemon calls them.
enum TestedTools {
    static let all: [RegisteredTool] =
        BuiltInTools.all().filter { $0.tool.name != "run_code" }
        + [RunCode.registered(Interpreter.known)].compactMap(\.self)

    static func named(_ name: String) throws -> RegisteredTool {
        try #require(all.first { $0.tool.name == name }, "there is no tool \(name)")
    }

    static func json(_ text: String) throws -> JSONValue { try JSONDocument(Array(text.utf8)).root }

    static func call(
        _ name: String, _ arguments: String, _ cell: ScriptedCell = ScriptedCell()
    ) async throws -> CallResult {
        let tool = try named(name)
        let result = await tool.run(try json(arguments), cell.context)
        if let structured = result.structured {
            let value = try JSONDocument(structured).root
            let schema = try #require(tool.tool.outputSchema)
            #expect(SchemaChecker.faults(value, against: schema) == [], "\(name): result and schema")
        } else {
            #expect(result.isError, "\(name): a result without structured content")
        }
        return CallResult(result: result)
    }

    static func needs(_ name: String, _ arguments: String) throws -> [String] {
        try named(name).needs(try json(arguments)).map(\.description)
    }
}

struct CallResult {
    let result: ToolResult

    /// All text blocks.
    var text: String {
        result.content.map { if case .text(let text) = $0 { text } else { "" } }.joined()
    }

    var structured: String { result.structured.map { String(decoding: $0, as: UTF8.self) } ?? "" }

    subscript(_ name: StaticString) -> JSONValue? {
        result.structured.flatMap { try? JSONDocument($0).root }?[name]
    }
}
