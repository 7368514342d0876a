import Cells
import EventLoop
import JSON
import MCP
import Policy
import Tools

// The one way to a tool, whatever the transport:
//
//   1 authenticate → 2 permit → 3 place in cell → 4 run → 5 audit → reply
//
// The client is who the kernel said at accept; what a call needs is said by its tool from its arguments, and
// decided by policy before anything happens; a tool that works on the machine finds itself in the client's
// cell, or not at all. A step that fails ends the call and says why.

package struct Gatekeeper: Sendable {
    private let tools: [String: RegisteredTool]
    private let log: Log

    package init(_ tools: [RegisteredTool], log: Log) {
        self.tools = Dictionary(uniqueKeysWithValues: tools.map { ($0.tool.name, $0) })
        self.log = log
    }

    package func perform(
        _ call: ToolCall, for client: Client, by policy: SessionPolicy, in place: CellPlace,
        reportingTo reporter: any CallReporter
    ) async throws(ProtocolError) -> ToolResult {
        // The tool was there when the call was accepted; a reload may have taken it since.
        guard let registered = tools[call.tool] else {
            throw .invalidParams("unknown tool: \(call.tool)")
        }
        let result = await perform(registered, call.arguments, by: policy, in: place, reporter)
        log.debug("\(client.description): \(call.tool) \(result.isError ? "failed" : "succeeded")")
        return result
    }

    private func perform(
        _ registered: RegisteredTool, _ arguments: JSONValue?, by policy: SessionPolicy,
        in place: CellPlace, _ reporter: any CallReporter
    ) async -> ToolResult {
        let permit: Permit
        do throws(Arguments.Fault) {
            permit = Permit(policy, tool: registered.tool.name, try registered.needs(arguments))
        } catch {
            return .failure(error.description)
        }
        if let refusal = permit.refusal { return .failure(refusal) }
        guard registered.usesCell else {
            return await registered.run(arguments, CallContext(reporter: reporter, cell: NoCell()))
        }
        do throws(CellRefusal) {
            let cell = try await place.get()
            return await registered.run(arguments, CallContext(reporter: reporter, cell: cell))
        } catch {
            log.warning("\(error)")
            return .failure("\(error)")
        }
    }
}
