import JSON

/// What the server says about itself, the same to every client.
package struct ServerDescription: Sendable {
    package let name: String
    package let title: String
    package let version: String
    package let instructions: String

    package init(name: String, title: String, version: String, instructions: String) {
        (self.name, self.title) = (name, title)
        (self.version, self.instructions) = (version, instructions)
    }

    func writeInfo(to writer: inout JSONWriter, for revision: Revision) {
        writer.object {
            $0.member("name", name)
            if revision.isAtLeast(.v2025_06_18) { $0.member("title", title) }
            $0.member("version", version)
        }
    }

    func writeCapabilities(to writer: inout JSONWriter) {
        writer.object {
            $0.object("logging")
            $0.object("tools") { $0.member("listChanged", true) }
        }
    }
}

/// For whom a cached answer is good.
enum CacheScope: String {
    /// The same answer for everybody.
    case `public`
    /// This client's own.
    case `private`
}

extension JSONWriter {
    mutating func cacheHints(seconds: Int, _ scope: CacheScope) {
        member("ttlMs", seconds * 1000)
        member("cacheScope", scope.rawValue)
    }
}
