import JSON

/// The syslog severities, mildest first.
package enum LogLevel: String, CaseIterable, Sendable, Comparable {
    case debug, info, notice, warning, error, critical, alert, emergency

    private var severity: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    package static func < (one: LogLevel, other: LogLevel) -> Bool {
        one.severity < other.severity
    }

    init(_ value: JSONValue?) throws(ProtocolError) {
        guard let level = value?.string.flatMap({ LogLevel(rawValue: $0) }) else {
            let names = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidParams("the log level must be one of \(names)")
        }
        self = level
    }
}

/// Names of `_meta` members that the protocol reserves.
enum MetaKey {
    static let protocolVersion: StaticString = "io.modelcontextprotocol/protocolVersion"
    static let clientCapabilities: StaticString = "io.modelcontextprotocol/clientCapabilities"
    static let clientInfo: StaticString = "io.modelcontextprotocol/clientInfo"
    static let logLevel: StaticString = "io.modelcontextprotocol/logLevel"
    static let serverInfo: StaticString = "io.modelcontextprotocol/serverInfo"
    static let subscriptionID: StaticString = "io.modelcontextprotocol/subscriptionId"
}

/// What a modern request says about its sender. The mere presence of a protocol version makes a request
/// modern; whether the envelope is complete is found out afterwards, by `open`.
struct Envelope {
    struct Contents {
        let revision: Revision
        let clientInfo: ClientInfo?
        let logLevel: LogLevel?
        let elicitation: ElicitationSupport
    }

    private let meta: JSONValue

    init?(meta: JSONValue) {
        guard meta[MetaKey.protocolVersion] != nil else { return nil }
        self.meta = meta
    }

    /// Missing or ill-typed first, then the version: a probing client must be able to tell them apart.
    func open() throws(ProtocolError) -> Contents {
        guard let version = meta[MetaKey.protocolVersion]?.string else {
            throw .invalidParams("_meta[\"\(MetaKey.protocolVersion)\"] must be a string")
        }
        guard meta[MetaKey.clientCapabilities]?.isObject == true else {
            throw .invalidParams("_meta[\"\(MetaKey.clientCapabilities)\"] must be an object")
        }
        var clientInfo: ClientInfo?
        if let value = meta[MetaKey.clientInfo] {
            clientInfo = try ClientInfo(value, called: "_meta[\"\(MetaKey.clientInfo)\"]")
        }
        guard let revision = Revision(rawValue: version), revision.era == .modern else {
            throw .unsupportedVersion(version, supported: Revision.newestFirst)
        }
        let level = try meta[MetaKey.logLevel].map { (value) throws(ProtocolError) in
            try LogLevel(value)
        }
        return Contents(
            revision: revision, clientInfo: clientInfo, logLevel: level,
            elicitation: ElicitationSupport(meta[MetaKey.clientCapabilities], revision))
    }
}

/// What an application says it is: a claim, shown as such.
package struct ClientInfo: Sendable, Equatable {
    package let name: String
    package let version: String

    init(_ value: JSONValue?, called what: String) throws(ProtocolError) {
        guard let name = value?["name"]?.string, let version = value?["version"]?.string else {
            throw .invalidParams("\(what) must have a name and a version")
        }
        (self.name, self.version) = (name, version)
    }
}
