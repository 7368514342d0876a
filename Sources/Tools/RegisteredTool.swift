import JSON
import MCP

/// What a running call can tell its client before its result.
package protocol CallReporter: Sendable {
    func progress(_ progress: Double, of total: Double?, message: String?) async
    /// `data` is one JSON value.
    func log(_ level: LogLevel, logger: String, data: [UInt8]) async
}

/// A tool and what it does. The call runs as a task of the loop and must not block it; a call that is no
/// longer wanted finds its task cancelled.
package struct RegisteredTool: Sendable {
    package typealias Needs = @Sendable (JSONValue?) throws(Arguments.Fault) -> [Permission]
    package typealias PlainBody = @Sendable (JSONValue?, any CallReporter) async -> ToolResult
    package typealias Body = @Sendable (JSONValue?, CallContext) async -> ToolResult

    /// Where a tool does its work.
    package enum Place: Sendable {
        case daemon
        /// Inside the client's cell, which has to be there then.
        case cell
        /// Outside of any: it starts commands.
        case host
    }

    package let tool: Tool
    /// What a call with these arguments needs to be allowed.
    package let needs: Needs
    package let place: Place
    package let run: Body

    /// A tool that needs nothing and has no use for a cell.
    package init(_ tool: Tool, run: @escaping PlainBody) {
        self.tool = tool
        needs = { _ in [] }
        place = .daemon
        self.run = { arguments, context in await run(arguments, context.reporter) }
    }

    /// A tool that starts commands on the host.
    package init(onHost tool: Tool, needs: @escaping Needs, run: @escaping Body) {
        (self.tool, self.needs, self.run) = (tool, needs, run)
        place = .host
    }

    /// A tool that works inside the client's cell.
    package init(inCell tool: Tool, needs: @escaping Needs, run: @escaping Body) {
        (self.tool, self.needs, self.run) = (tool, needs, run)
        place = .cell
    }
}
