import Cells
import Patterns
import Testing

@testable import Policy

/// What has to be true of every policy, tried on many that were thrown together.
@Suite struct PolicyPropertyTests {
    struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }

    static let paths = ["/a", "/a/b", "/a/b/c.txt", "/home/alice/x", "/workspace/f", "/tmp/y.c", "/srv/d/e"]
    static let patterns = [
        "/a/**", "/**", "/a/*", "/**/*.txt", "~/**", "/{a,srv}/**", "/workspace/**", "/tmp/*.c",
    ]
    static let hours = [
        "", ", hours: Mon-Fri 08:00-18:00", ", hours: 22:00-06:00", ", expires: 2026-11-18T12:00:30Z",
    ]

    static func rule(_ dice: inout Dice, _ effects: [String] = ["allow", "ask", "deny", "allow"]) -> String {
        let permission = ["FILE_READ", "FILE_WRITE", "FILE_WRITE_GLOBAL"].randomElement(using: &dice)!
        return
            "{\(effects.randomElement(using: &dice)!): \(permission), paths: ['\(patterns.randomElement(using: &dice)!)']\(hours.randomElement(using: &dice)!)}"
    }

    static func blocks(_ dice: inout Dice) -> [String] {
        (0..<Int.random(in: 1...4, using: &dice)).map { number in
            let claims = Int.random(in: 0..<4, using: &dice) == 0
            let effects = claims ? ["ask", "deny"] : ["allow", "ask", "deny", "allow"]
            let rules = (0..<Int.random(in: 0...6, using: &dice)).map { _ in rule(&dice, effects) }
            return
                "{name: b\(number)\(claims ? ", claims: {name: '*'}" : ""), rules: [\(rules.joined(separator: ", "))]}"
        }
    }

    static func needs() -> [Need] {
        paths.flatMap { path in
            [PermissionName.fileRead, .fileWrite, .fileWriteGlobal].map { Need.path($0, path) }
        }
    }

    static let claiming: ClientFacts = {
        var facts = alice
        facts.nameClaim = "x"
        return facts
    }()

    static func moment(_ dice: inout Dice) -> Moment {
        Moment(
            seconds: Moment.noon.seconds + Int.random(in: -200_000...200_000, using: &dice), utcOffset: 3600)
    }

    static func strictness(_ verdict: Decision.Verdict) -> Int {
        switch verdict {
        case .allow: 0
        case .ask: 1
        case .deny: 2
        }
    }

    @Test("Adding a deny never allows more, and adding a block with claims never does", arguments: 1...60)
    func denyNarrows(seed: UInt64) throws {
        var dice = Dice(state: seed &* 0x9E37_79B9_7F4A_7C15)
        let blocks = Self.blocks(&dice)
        let before = try PolicySet.of("clients: [\(blocks.joined(separator: ", "))]")
        let claims = ["", ", claims: {name: '*'}"].randomElement(using: &dice)!
        let effects = claims.isEmpty ? ["deny"] : ["deny", "ask"]
        let more = "{name: more\(claims), rules: [\(Self.rule(&dice, effects))], limits: {memory: 1GiB}}"
        let after = try PolicySet.of("clients: [\((blocks + [more]).joined(separator: ", "))]")
        let moment = Self.moment(&dice)
        for need in Self.needs() {
            let (one, other) = (
                before.policy(for: Self.claiming).decide(need, at: moment),
                after.policy(for: Self.claiming).decide(need, at: moment)
            )
            #expect(Self.strictness(other.verdict) >= Self.strictness(one.verdict), "\(need)")
        }
    }

    @Test("Order never matters, of blocks, of rules or of files", arguments: 1...60)
    func order(seed: UInt64) throws {
        var dice = Dice(state: seed &* 0xD134_2543_DE82_EF95)
        let blocks = Self.blocks(&dice)
        let one = try PolicySet.of("clients: [\(blocks.joined(separator: ", "))]")
        let other = try PolicySet.of("clients: [\(blocks.shuffled(using: &dice).joined(separator: ", "))]")
        let files = try PolicySet(
            blocks.shuffled(using: &dice).map {
                try PolicyFile.read(Array("clients: [\($0)]".utf8), named: "0.yaml")
            })
        let moment = Self.moment(&dice)
        for need in Self.needs() {
            let expected = one.policy(for: Self.claiming).decide(need, at: moment)
            for set in [other, files] {
                let found = set.policy(for: Self.claiming).decide(need, at: moment)
                #expect(found.verdict == expected.verdict && found.validUntil == expected.validUntil)
            }
        }
    }

    @Test("The cache never disagrees with the function, whichever way the clock goes", arguments: 1...60)
    func cache(seed: UInt64) throws {
        var dice = Dice(state: seed &* 0xA076_1D64_78BD_642F)
        let policy = try PolicySet.of("clients: [\(Self.blocks(&dice).joined(separator: ", "))]").policy(
            for: Self.claiming)
        var cache = DecisionCache(policy)
        let needs = Self.needs()
        var seconds = Moment.noon.seconds
        for _ in 0..<300 {
            seconds += [0, 1, 29, 31, 61, 3600, -3600].randomElement(using: &dice)!
            let moment = Moment(seconds: seconds, utcOffset: 0)
            let need = needs.randomElement(using: &dice)!
            #expect(cache.decide(need, at: moment) == policy.decide(need, at: moment))
        }
    }

    @Test("The rules that a cell gets say what the policy says", arguments: 1...40)
    func fileRules(seed: UInt64) throws {
        var dice = Dice(state: seed &* 0x2545_F491_4F6C_DD1D)
        let policy = try PolicySet.of("clients: [\(Self.blocks(&dice).joined(separator: ", "))]").policy(
            for: Self.claiming)
        let moment = Self.moment(&dice)
        let rules = policy.fileRules(at: moment).rules
        #expect(try FileRules(decoding: rules.encoded[...]) == rules)
        for path in Self.paths {
            let names = PathNames(path)
            for (permission, act) in [
                (PermissionName.fileRead, FileRules.Act.read), (.fileWrite, .writeOwn),
                (.fileWriteGlobal, .writeElsewhere),
            ] {
                let decision = policy.decide(.path(permission, path), at: moment)
                let judged = rules.judge(act, names)
                #expect("\(judged.verdict)" == decision.verdict.word)
                #expect(judged.rule == decision.rule.map { "\($0)" })
            }
        }
    }
}
