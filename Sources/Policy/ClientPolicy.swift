// What policy says to one client: the blocks that fit it, with homes put in the place of `~`, by permission.
//
//   of all rules that speak of a need and are in force:  deny > ask > allow > nothing said, which is a denial
//
// Among rules that say the same, the first by file and line is the one that is named. So the answer depends on
// what is said and never on where. A rule for clients that say something of themselves only narrows: where no other
// rule gives anything, its question is not asked.

import Cells
import Patterns

package struct ClientPolicy: Sendable {
    /// A rule as it is for this client. An object, because a thousand of them are gone through for one decision, and
    /// copies of rules would cost more than what is asked of them.
    final class Compiled: Sendable {
        let rule: Rule
        let paths: [PathPattern]
        /// It stands in a block with claims.
        let onlyNarrows: Bool
        let strictness: Int
        let gives: Bool
        private let isTimely: Bool
        private let isOfPaths: Bool

        init(rule: Rule, paths: [PathPattern], onlyNarrows: Bool) {
            (self.rule, self.paths, self.onlyNarrows) = (rule, paths, onlyNarrows)
            strictness = rule.effect.strictness
            gives = !onlyNarrows && rule.effect != .deny
            isTimely = rule.expires != nil || !rule.windows.isEmpty
            isOfPaths = if case .paths = rule.objects { true } else { false }
        }

        func speaks(of object: Need.Object, _ path: PathNames?) -> Bool {
            if isOfPaths {
                guard let path else { return false }
                for pattern in paths where pattern.matches(path) { return true }
                return false
            }
            switch rule.objects {
            case .any: return true
            case .paths: return false
            case .commands(let patterns):
                guard case .command(let words) = object else { return false }
                return patterns.contains { $0.matches(words) }
            case .names(let patterns):
                guard case .name(let name) = object else { return false }
                return patterns.contains { $0.matches(name) }
            }
        }

        func isInForce(at moment: Moment) -> Bool {
            guard isTimely else { return true }
            return rule.expires.map { moment.seconds < $0 } ?? true
                && (rule.windows.isEmpty || rule.windows.contains { $0.contains(moment) })
        }
    }

    package let facts: ClientFacts
    package let blocks: [String]
    package let limits: ClientLimits
    package let rates: CallRates
    package let isEphemeral: Bool
    package let environment: [String: String]
    package let secrets: Set<String>
    let rules: [PermissionName: [Compiled]]
    /// Those whose rules come and go with time.
    private let timely: Set<PermissionName>

    init(_ facts: ClientFacts, _ blocks: [ClientBlock]) {
        self.facts = facts
        self.blocks = blocks.map(\.name)
        limits = blocks.reduce(into: ClientLimits()) { $0.lower(to: $1.limits) }
        rates = blocks.reduce(into: CallRates()) { $0.add($1.rates) }
        isEphemeral = blocks.contains { $0.isEphemeral == true }
        // Blocks come by name: what the first of them says is not said otherwise by a later one.
        environment = blocks.reduce(into: [:]) { $0.merge($1.environment) { first, _ in first } }
        secrets = blocks.reduce(into: []) { $0.formUnion($1.secrets) }
        var rules: [PermissionName: [Compiled]] = [:]
        var timely: Set<PermissionName> = []
        let all = blocks.flatMap { block in block.rules.map { (rule: $0, onlyNarrows: block.match.hasClaims) }
        }
        for (rule, onlyNarrows) in all.sorted(by: { $0.rule.reference < $1.rule.reference }) {
            var paths: [PathPattern] = []
            if case .paths(let patterns) = rule.objects {
                paths = patterns.compactMap { $0.absolute(home: facts.home) }
            }
            for permission in rule.permissions {
                rules[permission, default: []].append(
                    Compiled(rule: rule, paths: paths, onlyNarrows: onlyNarrows))
                if rule.expires != nil || !rule.windows.isEmpty { timely.insert(permission) }
            }
        }
        (self.rules, self.timely) = (rules, timely)
    }

    // MARK: Decisions

    package func decide(_ need: Need, at moment: Moment) -> Decision {
        let path: PathNames? = if case .path(let bytes) = need.object { PathNames(bytes) } else { nil }
        var (strictest, isGiven): (Compiled?, Bool) = (nil, false)
        for compiled in rules[need.permission] ?? [] {
            let isStricter = compiled.strictness > strictest?.strictness ?? -1
            // What would not change the answer is not looked at.
            guard isStricter || !isGiven && compiled.gives, compiled.isInForce(at: moment),
                compiled.speaks(of: need.object, path)
            else { continue }
            if isStricter { strictest = compiled }
            if compiled.gives { isGiven = true }
            if compiled.rule.effect == .deny { break }
        }
        if !isGiven, strictest?.rule.effect != .deny { strictest = nil }
        let winner = strictest?.rule
        return Decision(
            verdict: winner?.effect.verdict ?? .deny, rule: winner?.reference,
            reason: winner?.reason,
            isRestricted: isRestricted(need, path, at: moment),
            validUntil: validity(of: need.permission, at: moment))
    }

    /// Whether there is anything of this permission that a rule allows or asks about; another may still deny it.
    package func gives(_ permission: PermissionName, at moment: Moment) -> Bool {
        (rules[permission] ?? []).contains { $0.gives && $0.isInForce(at: moment) }
    }

    /// Only where every rule that allows it restricts it.
    private func isRestricted(_ need: Need, _ path: PathNames?, at moment: Moment) -> Bool {
        guard need.permission == .codeExecution else { return false }
        let allowing = (rules[.codeExecution] ?? []).filter {
            $0.rule.effect != .deny && $0.isInForce(at: moment) && $0.speaks(of: need.object, path)
        }
        return !allowing.isEmpty && allowing.allSatisfy(\.rule.isRestricted)
    }

    private func validity(of permission: PermissionName, at moment: Moment) -> Int? {
        guard timely.contains(permission) else { return nil }
        var until: Int?
        for compiled in rules[permission] ?? [] {
            if !compiled.rule.windows.isEmpty {
                // Windows begin and end with minutes of local time, whose seconds are those of UTC.
                let nextMinute = moment.seconds - ((moment.seconds % 60) + 60) % 60 + 60
                until = min(until ?? nextMinute, nextMinute)
            }
            if let expires = compiled.rule.expires, expires > moment.seconds {
                until = min(until ?? expires, expires)
            }
        }
        return until
    }

    // MARK: Trees

    /// Directories that the cell gets as mounts: those of which all is allowed, or would be after a question. A rule
    /// that denies all of one takes it away. Programs ask nobody and know no exceptions: of a tree about which there
    /// is a question, or a part of which is asked about or denied as a tree, they have only what nobody has to be
    /// asked about.
    package func trees(at moment: Moment) -> [CellPlan.Tree] {
        let (reading, writing) = (
            TreeRules(rules[.fileRead], at: moment), TreeRules(rules[.fileWriteGlobal], at: moment)
        )
        return Set(reading.given + writing.given).sorted().compactMap { tree in
            let (read, write) = (reading.verdict(of: tree), writing.verdict(of: tree))
            guard CellPlan.isTreePath(tree), read != nil || write != nil else { return nil }
            var programs = CellPlan.Tree.ProgramAccess.none
            if read == .allow, !reading.hasExceptions(in: tree) {
                programs = write == .allow && !writing.hasExceptions(in: tree) ? .write : .read
            }
            let made = CellPlan.Tree(tree, isWritable: write != nil, programs: programs)
            return made.isInPlaceOfCells || Self.isEverybodys(tree) ? nil : made
        }
    }

    /// What the rules of one permission say of whole trees.
    private struct TreeRules {
        private let inForce: [Compiled]

        init(_ rules: [Compiled]?, at moment: Moment) {
            inForce = (rules ?? []).filter { $0.isInForce(at: moment) }
        }

        var given: [String] { inForce.filter(\.gives).flatMap { $0.paths.compactMap(\.tree) } }

        /// Of all of it; `nil` where it is not given, or denied.
        func verdict(of tree: String) -> Decision.Verdict? {
            let whole = inForce.filter { Self.takes($0, all: tree) }
            guard whole.contains(where: \.gives), !whole.contains(where: { $0.rule.effect == .deny }) else {
                return nil
            }
            return whole.contains { $0.rule.effect != .allow } ? .ask(.queue) : .allow
        }

        /// Whether a tree below it is asked about or denied.
        func hasExceptions(in tree: String) -> Bool {
            inForce.contains { compiled in
                compiled.rule.effect != .allow
                    && compiled.paths.contains { $0.tree.map { $0.hasPrefix(tree + "/") } ?? false }
            }
        }

        /// `/srv/**` is about all of `/srv/data`; so is a rule that speaks of everything.
        private static func takes(_ compiled: Compiled, all tree: String) -> Bool {
            if compiled.rule.objects == .any { return true }
            let names = PathNames(tree)
            return compiled.paths.contains { $0.steps.last == .anyDepth && $0.matches(names) }
        }
    }

    /// What every cell has anyway.
    private static func isEverybodys(_ path: String) -> Bool {
        ["/usr", "/etc"].contains { path == $0 || path.hasPrefix($0 + "/") }
    }
}
