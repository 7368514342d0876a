import Cells
import JSON
import MCP

/// A call of a tool that works in the client's cell, or starts a command outside of it: read once from its arguments, it knows what it needs and
/// how it is done.
protocol CellCall: Sendable {
    var needs: [Permission] { get }
    func run(in context: CallContext) async throws(CellFailure) -> ToolResult
}

extension RegisteredTool {
    init<Call: CellCall>(
        _ tool: Tool, call: @escaping @Sendable (JSONValue?) throws(Arguments.Fault) -> Call
    ) {
        self.init(
            inCell: tool,
            needs: { (arguments) throws(Arguments.Fault) in try call(arguments).needs },
            run: Self.body(call))
    }

    /// One that starts commands on the host is read and done in the same way.
    init<Call: CellCall>(
        onHost tool: Tool, call: @escaping @Sendable (JSONValue?) throws(Arguments.Fault) -> Call
    ) {
        self.init(
            onHost: tool,
            needs: { (arguments) throws(Arguments.Fault) in try call(arguments).needs },
            run: Self.body(call))
    }

    private static func body<Call: CellCall>(
        _ call: @escaping @Sendable (JSONValue?) throws(Arguments.Fault) -> Call
    ) -> Body {
        { arguments, context in
            let known: Call
            do throws(Arguments.Fault) {
                known = try call(arguments)
            } catch {
                return .failure(error.description)
            }
            do throws(CellFailure) {
                return try await known.run(in: context)
            } catch {
                // Its message is the whole story: what was refused, by what, and what would allow it.
                return .failure(error.message)
            }
        }
    }
}

extension CellFailure {
    /// The cell is ours; so this is a bug, which the client need not suffer more from than this call.
    static let wrongAnswer = CellFailure(.other, "The cell gave an answer to another question.")
}

extension ToolResult {
    /// Text to be read, and the same as data that conforms to the tool's output schema.
    static func answer(
        _ text: String, isError: Bool = false, _ write: (inout JSONWriter) -> Void
    ) -> ToolResult {
        ToolResult([.text(text)], structured: JSONWriter.bytes { $0.object(write) }, isError: isError)
    }
}
