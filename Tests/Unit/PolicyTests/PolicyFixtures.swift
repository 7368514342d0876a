import Testing

@testable import Policy

extension PolicySet {
    /// From texts, named as they come.
    static func of(_ texts: String...) throws(PolicyFault) -> PolicySet {
        var files: [PolicyFile] = []
        for (number, text) in texts.enumerated() {
            files.append(try PolicyFile.read(Array(text.utf8), named: "\(number).yaml"))
        }
        return try PolicySet(files)
    }

    /// One block for everybody with these rules, each a line of flow style.
    static func rules(_ rules: String...) throws(PolicyFault) -> PolicySet {
        try .of("clients:\n  - name: all\n    rules:\n" + rules.map { "      - {\($0)}\n" }.joined())
    }
}

extension Moment {
    /// Wednesday, 2026-11-18, noon, UTC.
    static let noon = Moment(seconds: 1_795_003_200, utcOffset: 0)
}

let alice: ClientFacts = {
    var facts = ClientFacts(uid: 1000, user: "alice", home: "/home/alice")
    facts.groups = ["alice", "1000", "developers"]
    facts.executable = "/usr/bin/app"
    return facts
}()

func verdict(_ set: PolicySet, _ need: Need, _ facts: ClientFacts = alice, at moment: Moment = .noon)
    -> String
{
    set.policy(for: facts).decide(need, at: moment).verdict.word
}
