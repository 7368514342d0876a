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
    package typealias Body = @Sendable (JSONValue?, any CallReporter) async -> ToolResult

    package let tool: Tool
    package let run: Body

    package init(_ tool: Tool, run: @escaping Body) {
        (self.tool, self.run) = (tool, run)
    }
}
