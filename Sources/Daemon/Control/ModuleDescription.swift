import CommandLine
import JSON
import Tools

/// Somebody who provides tools, as administrators see it. Today there is one, which is built in.
struct ModuleDescription: Equatable, Sendable {
    /// Also the end of its path on the bus: letters, digits and `_`.
    let name: String
    let title: String
    let version: String
    let tools: [String]

    /// It is there as long as the daemon is.
    let state = "active"

    static func builtIn(_ tools: [RegisteredTool]) -> ModuleDescription {
        ModuleDescription(
            name: "builtin", title: "What Cloister does by itself", version: Release.version,
            tools: tools.map(\.tool.name))
    }

    func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("name", name)
            json.member("title", title)
            json.member("version", version)
            json.member("state", state)
            json.array("tools") { list in for tool in tools { list.string(tool) } }
        }
    }
}
