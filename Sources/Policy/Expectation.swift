import YAML

/// What a policy is expected to say, written beside it: a file whose expectations do not hold is not accepted.
package struct Expectation: Equatable, Sendable {
    package enum Verdict: String, CaseIterable, Sendable { case allow, ask, deny }

    package var facts: ClientFacts
    package var need: Need
    package var verdict: Verdict
    package var moment: Moment?
    package var file: String
    package var place: TextPlace

    init(_ field: Field) throws(PolicyFault) {
        let members = try field.members(["client", "permission", "path", "argv", "name", "at", "verdict"])
        (file, place) = (field.file, field.node.place)
        guard let permission = members["permission"], let verdict = members["verdict"] else {
            throw field.fault("an expectation needs permission and verdict")
        }
        self.verdict = try verdict.choice(Verdict.self)
        facts =
            try members["client"].map { (client) throws(PolicyFault) in try ClientFacts(client) }
            ?? ClientFacts(uid: ClientFacts.nobody)
        need = Need(try permission.permission(), .name(""))
        need = try Self.need(need.permission, members, field, home: facts.home)
        moment = try members["at"].map { (at) throws(PolicyFault) in
            Moment(seconds: try at.moment(), utcOffset: 0)
        }
    }

    private static func need(
        _ permission: PermissionName, _ members: Members, _ field: Field, home: String?
    ) throws(PolicyFault) -> Need {
        switch permission.objectKey {
        case "paths":
            guard let path = members["path"] else { throw field.fault("\(permission) needs a path here") }
            let text = try path.text()
            let whole = text.hasPrefix("~/") ? (home ?? "") + text.dropFirst() : text
            guard whole.hasPrefix("/") else { throw path.fault("path begins with / or ~/") }
            return .path(permission, whole)
        case "argv":
            guard let argv = members["argv"] else { throw field.fault("\(permission) needs argv here") }
            var words: [String] = []
            for word in try argv.list() { words.append(try word.text()) }
            return Need(permission, .command(words))
        default:
            guard let name = members["name"] else { throw field.fault("\(permission) needs a name here") }
            return Need(permission, .name(try name.text()))
        }
    }
}

extension ClientFacts {
    static let nobody: UInt32 = 65_534

    /// As an expectation, or a person at a terminal, describes a client.
    init(_ field: Field) throws(PolicyFault) {
        let members = try field.members([
            "user", "uid", "home", "group", "unit", "application", "executable", "sha256", "parent",
            "transport",
            "label", "bridge", "name",
        ])
        func text(_ key: String) throws(PolicyFault) -> String? {
            try members[key].map { (field) throws(PolicyFault) in try field.text() }
        }
        let user = try text("user")
        let number = try members["uid"].map { (field) throws(PolicyFault) in
            UInt32(try field.integer(0...UInt64(UInt32.max - 1)))
        }
        self.init(
            uid: number ?? user.flatMap { UInt32($0) } ?? Self.nobody, user: user,
            home: try text("home") ?? user.map { "/home/\($0)" })
        groups = try members["group"].map { (field) throws(PolicyFault) in try field.texts() } ?? []
        (unit, application) = (try text("unit"), try text("application"))
        (executable, parent) = (try text("executable"), try text("parent"))
        digest = try text("sha256")?.lowercased()
        label = try text("label")
        (bridgeClaim, nameClaim) = (try text("bridge"), try text("name"))
        if let transport = members["transport"] { self.transport = try transport.choice(Transport.self) }
    }
}

extension ClientFacts {
    /// `user=alice,executable=/usr/bin/code`; a fact that is given twice is several.
    package init(described text: String) throws(PolicyFault) {
        let place = TextPlace(line: 1, column: 1)
        var values: [String: [YAMLNode]] = [:]
        for part in text.split(separator: ",") {
            let words = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard words.count == 2 else { throw PolicyFault("", nil, "\(part) is not FACT=VALUE") }
            values[String(words[0]), default: []].append(
                YAMLNode(content: .scalar(String(words[1])), place: place))
        }
        let members = values.map { key, nodes in
            YAMLNode.Member(
                key: key, place: place,
                value: nodes.count == 1 ? nodes[0] : YAMLNode(content: .list(nodes), place: place))
        }
        try self.init(Field(node: YAMLNode(content: .map(members), place: place), file: "", name: "a client"))
    }
}
