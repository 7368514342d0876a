import JSON

/// A record that was read. What it says is as true as its chain.
package struct AuditEntry: Sendable, AuditFacts {
    package let json: JSONValue
    package let sequence: UInt64
    package let time: AuditTime

    private static let limits = JSONLimits(depth: 64)

    /// `nil` for a line that is no record.
    package init?(_ line: ArraySlice<UInt8>) {
        guard let document = try? JSONDocument(Array(line), limits: Self.limits) else { return nil }
        json = document.root
        guard let sequence = json["seq"]?.integer.flatMap(UInt64.init(exactly:)), json["kind"]?.string != nil,
            let time = json["time"]?.string.flatMap({ AuditTime($0) })
        else { return nil }
        (self.sequence, self.time) = (sequence, time)
    }

    package subscript(_ name: StaticString) -> JSONValue? { json[name] }

    package var kindName: String { json["kind"]?.string ?? "" }

    /// As it stands in its file.
    package var line: ArraySlice<UInt8> { json.bytes }

    package func fact(_ fact: AuditFact) -> String? {
        let client = json["client"]
        let value: JSONValue? =
            switch fact {
            case .session: client?["session"]
            case .uid: client?["uid"]
            case .user: client?["user"]
            case .executable: client?["executable"]
            case .application: client?["application"]
            case .tool: json["tool"]
            case .object: json["object"] ?? lastNeed?["object"]
            case .verdict: json["verdict"]
            case .outcome: json["outcome"]
            case .reason: json["reason"] ?? firstFault
            case .exit: json["exit"]
            case .change: json["change"]
            case .act: json["act"]
            case .who: json["who"] ?? json["consent"]?["who"]
            case .version: json["version"]
            case .count: json["count"]
            case .missing: json["missing_records"]
            }
        return value.map { $0.string ?? String(decoding: $0.bytes, as: UTF8.self) }
    }

    private var lastNeed: JSONValue? {
        json["needs"]?.elements.reduce(nil as JSONValue?) { $1 }
    }

    private var firstFault: JSONValue? {
        json["faults"]?.elements.first { _ in true }
    }
}
