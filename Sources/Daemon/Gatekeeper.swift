import EventLoop
import JSON
import MCP
import Tools

// The one way to a tool, whatever the transport:
//
//   1 authenticate → 2 permit → 3 place in cell → 4 run → 5 audit → reply
//
// What each step has to work with today: the client is who the kernel said at accept; it may use the tools
// that were registered, which read what every user may read and so need no cell; the log says what was done.

package struct Gatekeeper: Sendable {
    private let tools: [String: RegisteredTool]
    private let log: Log

    package init(_ tools: [RegisteredTool], log: Log) {
        self.tools = Dictionary(uniqueKeysWithValues: tools.map { ($0.tool.name, $0) })
        self.log = log
    }

    package func perform(
        _ call: ToolCall, for client: Client, reportingTo reporter: any CallReporter
    ) async throws(ProtocolError) -> ToolResult {
        // The tool was there when the call was accepted; a reload may have taken it since.
        guard let registered = tools[call.tool] else {
            throw .invalidParams("unknown tool: \(call.tool)")
        }
        let result = await registered.run(call.arguments, reporter)
        log.debug("\(client.description): \(call.tool) \(result.isError ? "failed" : "succeeded")")
        return result
    }
}
