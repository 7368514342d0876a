import Patterns

/// What a client may do with which files, where the walls let it: evaluated in the cell, on the path that the kernel
/// resolved and not on the one that was written.
package struct FileRules: Equatable, Sendable {
    package enum Act: UInt8, CaseIterable, Sendable {
        case read
        /// Below the workspace and /tmp, and everywhere else.
        case writeOwn, writeElsewhere
    }

    package enum Verdict: UInt8, CaseIterable, Comparable, Sendable {
        case allow, ask, deny

        package static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
    }

    package struct Entry: Equatable, Sendable {
        package let act: Act
        package let verdict: Verdict
        package let pattern: PathPattern
        /// It asks only about what another one gives.
        package let onlyNarrows: Bool
        /// Where the rule stands.
        package let rule: String

        package init(
            _ act: Act, _ verdict: Verdict, _ pattern: PathPattern, onlyNarrows: Bool = false, rule: String
        ) {
            (self.act, self.verdict, self.pattern) = (act, verdict, pattern)
            (self.onlyNarrows, self.rule) = (onlyNarrows, rule)
        }

        var gives: Bool { !onlyNarrows && verdict != .deny }
    }

    /// What a person was asked about, and has allowed for the request that comes next.
    package struct Consent: Hashable, Sendable {
        package let act: Act
        package let path: [UInt8]

        package init(_ act: Act, _ path: [UInt8]) { (self.act, self.path) = (act, path) }
    }

    package var entries: [Entry]
    package var consents: Set<Consent> = []

    package init(_ entries: [Entry]) { self.entries = entries }

    /// What a cell does with files when nobody restricts it beyond its walls.
    package static let permissive = FileRules(
        Act.allCases.map { Entry($0, .allow, PathPattern.everything, rule: "") })

    package struct Judgement: Equatable, Sendable {
        package let verdict: Verdict
        /// `nil` where no rule says anything, which is a denial.
        package let rule: String?
    }

    package func judge(_ act: Act, _ path: PathNames) -> Judgement {
        var (strictest, isGiven): (Entry?, Bool) = (nil, false)
        for entry in entries where entry.act == act {
            let isStricter = strictest.map { entry.verdict > $0.verdict } ?? true
            guard isStricter || !isGiven && entry.gives, entry.pattern.matches(path) else { continue }
            if isStricter { strictest = entry }
            if entry.gives { isGiven = true }
            if entry.verdict == .deny { break }
        }
        if !isGiven, strictest?.verdict != .deny { strictest = nil }
        let verdict = strictest?.verdict ?? .deny
        let isAllowed = verdict == .ask && consents.contains(Consent(act, path.bytes))
        return Judgement(verdict: isAllowed ? .allow : verdict, rule: strictest?.rule)
    }

    /// Reading, or writing wherever that path is.
    package static func writing(to path: PathNames) -> Act {
        path.isBelow("workspace") || path.isBelow("tmp") ? .writeOwn : .writeElsewhere
    }

    // MARK: Coding

    package static let mostEntries = 50_000
    package static let mostConsents = 4096

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.list(entries) { writer, entry in
            writer.integer(entry.act.rawValue)
            writer.integer(entry.verdict.rawValue)
            writer.flag(entry.onlyNarrows)
            writer.data(entry.pattern.text)
            writer.text(entry.rule)
        }
        // In an order that says nothing, so that the same rules are the same bytes.
        let ordered = consents.sorted {
            $0.act == $1.act
                ? $0.path.lexicographicallyPrecedes($1.path) : $0.act.rawValue < $1.act.rawValue
        }
        writer.list(ordered) { writer, consent in
            writer.integer(consent.act.rawValue)
            writer.data(consent.path)
        }
        return writer.bytes
    }

    package init(decoding bytes: ArraySlice<UInt8>) throws(CodingFault) {
        var reader = ByteReader(bytes)
        entries = try reader.list("entries", most: Self.mostEntries) { (reader) throws(CodingFault) in
            let act = try reader.choice("act", as: Act.self)
            let verdict = try reader.choice("verdict", as: Verdict.self)
            let onlyNarrows = try reader.flag("onlyNarrows")
            let text = try reader.data("pattern", most: 2 * PathPattern.longest)
            guard let pattern = PathPattern(absolute: text) else {
                throw reader.fault("pattern", "not a pattern")
            }
            return Entry(
                act, verdict, pattern, onlyNarrows: onlyNarrows, rule: try reader.text("rule", most: 1024))
        }
        consents = Set(
            try reader.list("consents", most: Self.mostConsents) { (reader) throws(CodingFault) in
                let act = try reader.choice("act", as: Act.self)
                return Consent(act, try reader.data("path", most: 2 * PathPattern.longest))
            })
        try reader.finish("rules")
    }
}
