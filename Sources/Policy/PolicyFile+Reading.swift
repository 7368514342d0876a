import Patterns
import YAML

// From a text to what it says. The schema decides what a word means; nothing is guessed, and what is not known is an
// error rather than something that is silently not enforced.

extension PolicyFile {
    package static let mostBytes = 1 << 20

    package static func read(_ bytes: [UInt8], named name: String) throws(PolicyFault) -> PolicyFile {
        guard bytes.count <= mostBytes else { throw PolicyFault(name, nil, "it is larger than a megabyte") }
        var file = PolicyFile(name: name)
        guard let root = try YAMLReader.read(bytes, named: name) else { return file }
        let members = try Field(node: root, file: name, name: "a policy file")
            .members(["clients", "audit", "custom", "expect"])
        if let custom = members["custom"] {
            for field in try custom.oneOrMore() { file.custom.insert(try field.customPermission()) }
        }
        if let clients = members["clients"] {
            for field in try clients.list() { file.clients.append(try ClientBlock(field)) }
        }
        if let audit = members["audit"] { file.audit = try AuditSettings(audit) }
        if let expect = members["expect"] {
            for field in try expect.list() { file.expectations.append(try Expectation(field)) }
        }
        return file
    }
}

extension Field {
    func customPermission() throws(PolicyFault) -> PermissionName {
        guard case .custom(let name) = try permission() else {
            throw fault("only names that begin with CUSTOM_ can be declared")
        }
        return .custom(name)
    }

    func permission() throws(PolicyFault) -> PermissionName {
        let text = try text()
        guard let permission = PermissionName(text) else {
            let known = PermissionName.known.joined(separator: ", ")
            throw fault(
                "there is no permission \(text); there are \(known), and CUSTOM_ with A to Z, 0 to 9 and _")
        }
        return permission
    }

    func texts() throws(PolicyFault) -> Set<String> {
        var texts: Set<String> = []
        for field in try oneOrMore() { texts.insert(try field.text()) }
        return texts
    }

    func namePatterns() throws(PolicyFault) -> [NamePattern] {
        var patterns: [NamePattern] = []
        for field in try oneOrMore() { patterns.append(try field.namePattern()) }
        return patterns
    }

    func programPatterns() throws(PolicyFault) -> [NamePattern] {
        var patterns: [NamePattern] = []
        for field in try oneOrMore() {
            let plain = Need.plain(program: try field.text())
            let node = YAMLNode(content: .scalar(plain), place: field.node.place)
            patterns.append(try Field(node: node, file: file, name: name).namePattern())
        }
        return patterns
    }

    func allPathPatterns() throws(PolicyFault) -> [PathPattern] {
        var patterns: [PathPattern] = []
        for field in try oneOrMore() { patterns += try field.pathPatterns() }
        return patterns
    }
}

extension ClientBlock {
    init(_ field: Field) throws(PolicyFault) {
        let members = try field.members([
            "name", "match", "claims", "rules", "limits", "rates", "sessions", "workspace", "environment",
            "secret",
        ])
        guard let name = members["name"] else { throw field.fault("a block of clients needs a name") }
        reference = RuleReference(file: field.file, line: field.node.place.line, block: try name.text())
        if let match = members["match"] { self.match = try ClientMatch(match) }
        if let claims = members["claims"] { try match.readClaims(claims) }
        if let rules = members["rules"] {
            for rule in try rules.list() {
                let rule = try Rule(rule, block: self.name)
                if match.hasClaims, rule.effect == .allow {
                    throw PolicyFault(
                        field.file, TextPlace(line: rule.reference.line, column: 1),
                        "a block with claims cannot allow: anybody can say of themselves what they like, so it can only take away and ask"
                    )
                }
                self.rules.append(rule)
            }
        }
        if let limits = members["limits"] { self.limits = try ClientLimits(limits) }
        if let sessions = members["sessions"] {
            self.limits.lower(.sessions, to: try sessions.integer(1...100_000))
        }
        if let rates = members["rates"] { self.rates = try CallRates(rates) }
        if let workspace = members["workspace"] {
            isEphemeral = try workspace.choice(WorkspaceKind.self) == .ephemeral
        }
        if let environment = members["environment"] {
            guard !match.hasClaims else {
                throw environment.fault(
                    "a block with claims cannot set variables: it can only take away and ask")
            }
            self.environment = try environment.variables()
        }
        if let secret = members["secret"] { secrets = try secret.texts() }
    }

    private enum WorkspaceKind: String, CaseIterable { case persistent, ephemeral }
}

extension Field {
    func variables() throws(PolicyFault) -> [String: String] {
        var variables: [String: String] = [:]
        for (key, place, field) in try entries() {
            guard !key.isEmpty, !key.utf8.contains(UInt8(ascii: "=")), !key.utf8.contains(0) else {
                throw PolicyFault(file, place, "\(key) is no name of a variable")
            }
            guard case .scalar(let value) = field.node.content, !value.utf8.contains(0) else {
                throw field.fault("the value of \(key) is a word, and not \(field.node.kind)")
            }
            variables[key] = value
        }
        return variables
    }
}

extension ClientMatch {
    init(_ field: Field) throws(PolicyFault) {
        let members = try field.members([
            "user", "group", "unit", "application", "executable", "sha256", "parent", "transport", "label",
        ])
        if let user = members["user"] { users = try user.texts() }
        if let group = members["group"] { groups = try group.texts() }
        if let unit = members["unit"] { units = try unit.namePatterns() }
        if let application = members["application"] { applications = try application.namePatterns() }
        if let executable = members["executable"] { executables = try executable.allPathPatterns() }
        if let parent = members["parent"] { parents = try parent.allPathPatterns() }
        if let label = members["label"] { labels = try label.namePatterns() }
        if let transport = members["transport"] {
            for each in try transport.oneOrMore() {
                transports.insert(try each.choice(ClientFacts.Transport.self))
            }
        }
        if let sum = members["sha256"] {
            for each in try sum.oneOrMore() {
                let text = try each.text()
                guard text.utf8.count == 64, text.allSatisfy({ $0.isHexDigit }) else {
                    throw each.fault("sha256 is 64 hexadecimal digits")
                }
                digests.insert(text.lowercased())
            }
        }
    }

    mutating func readClaims(_ field: Field) throws(PolicyFault) {
        let members = try field.members(["bridge", "name"])
        if let bridge = members["bridge"] { bridgeClaims = try bridge.namePatterns() }
        if let name = members["name"] { nameClaims = try name.namePatterns() }
        guard hasClaims else { throw field.fault("claims names neither bridge nor name") }
    }
}

extension Rule {
    private static let effects = ["allow", "ask", "deny"]
    private static let objectKeys = ["paths", "programs", "argv", "hosts", "tools", "names"]

    init(_ field: Field, block: String) throws(PolicyFault) {
        let members = try field.members(
            Self.effects + Self.objectKeys + ["via", "restricted", "reason", "hours", "expires"])
        let stated = Self.effects.filter { members[$0] != nil }
        guard stated.count == 1, let kind = stated.first, let subject = members[kind] else {
            throw field.fault("a rule says exactly one of allow, ask and deny")
        }
        reference = RuleReference(file: field.file, line: field.node.place.line, block: block)
        let way = try members["via"]?.choice(Way.self)
        if let via = members["via"], kind != "ask" { throw via.fault("via belongs to ask") }
        effect = kind == "allow" ? .allow : kind == "deny" ? .deny : .ask(way ?? .queue)
        permissions = []
        for each in try subject.oneOrMore() { permissions.insert(try each.permission()) }
        try readObjects(members)
        if let restricted = members["restricted"] {
            guard permissions == [.codeExecution] else {
                throw restricted.fault("restricted belongs to CODE_EXECUTION")
            }
            isRestricted = try restricted.flag()
            if isRestricted, objects == .any {
                throw restricted.fault("restricted needs programs: which ones")
            }
        }
        reason = try members["reason"]?.text()
        if let hours = members["hours"] {
            for each in try hours.oneOrMore() {
                let text = try each.text()
                guard let window = TimeWindow(text) else {
                    throw each.fault("hours are such as Mon-Fri 08:00-18:00, and not \(text)")
                }
                windows.append(window)
            }
        }
        if let expires = members["expires"] { self.expires = try expires.moment() }
    }

    private mutating func readObjects(_ members: Members) throws(PolicyFault) {
        for key in Self.objectKeys {
            guard let field = members[key] else { continue }
            if let other = permissions.sorted().first(where: { $0.objectKey != key }) {
                throw field.fault("\(other) has no \(key); it has \(other.objectKey)")
            }
            switch key {
            case "paths":
                objects = .paths(try field.allPathPatterns())
                objectTexts = try field.texts().sorted()
            case "argv":
                let (patterns, texts) = try Self.commands(field)
                (objects, objectTexts) = (.commands(patterns), texts)
            case "programs":
                objects = .names(try field.programPatterns())
                objectTexts = try field.texts().sorted()
            default:
                objects = .names(try field.namePatterns())
                objectTexts = try field.texts().sorted()
            }
        }
        if objects == .any, effect != .deny, permissions.contains(.codeExecutionSudo) {
            throw PolicyFault(
                reference.file, TextPlace(line: reference.line, column: 1),
                "CODE_EXECUTION_SUDO needs argv: which commands")
        }
    }

    /// One command as a list of words, or several of those.
    private static func commands(_ field: Field) throws(PolicyFault) -> ([ArgumentPattern], [String]) {
        let elements = try field.list()
        let isNested = elements.contains { if case .list = $0.node.content { true } else { false } }
        var (patterns, texts): ([ArgumentPattern], [String]) = ([], [])
        for command in isNested ? elements : [field] {
            var words: [String] = []
            for word in try command.list() { words.append(try word.text()) }
            do throws(NamePattern.Fault) {
                patterns.append(try ArgumentPattern(words))
            } catch {
                throw command.fault("the command is wrong: \(error)")
            }
            texts.append(words.joined(separator: " "))
        }
        return (patterns, texts)
    }
}
