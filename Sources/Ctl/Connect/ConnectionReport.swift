import Applications
import Audit
import JSON

/// What `cloisterctl connect` says at its end, and what is to be done then.
struct ConnectionReport {
    let acts: [ConnectionAct]
    let warnings: [String]
    let isDry: Bool

    func show(_ invocation: Invocation) throws(CtlFault) {
        let output = invocation.output
        if invocation.isJSON {
            try output.writeJSON(json)
        } else {
            for act in acts where act.outcome != .failed { try output.write(text(act, output)) }
            if !isDry, acts.contains(where: { $0.outcome == .connected || $0.outcome == .updated }) {
                try output.write(Self.policy)
            }
            for warning in warnings { try output.write(ShownText.plain("warning: \(warning)") + "\n") }
        }
        let failed = acts.filter { $0.outcome == .failed }
        guard !failed.isEmpty else { return }
        guard !invocation.isJSON else { throw .answered }
        throw .failed(
            failed.map { "\($0.application.name): \($0.sentence(isDry: isDry))" }.joined(
                separator: "\ncloisterctl: "))
    }

    private static let policy = """
        Policy decides what each of them may do, by its program: cloister-policy(5); cloisterctl clients lists those
        that are connected.

        """

    private func text(_ act: ConnectionAct, _ output: Output) -> String {
        var lines = ["\(act.application.name): \(act.sentence(isDry: isDry))"]
        if !isDry, !act.command.isEmpty { lines.append("  it starts \(act.command.joined(separator: " "))") }
        if let backup = act.backup { lines.append("  the earlier file is \(backup)") }
        if !isDry, act.isChange { lines.append("  then: \(act.advice)") }
        let text = lines.map { ShownText.plain($0) + "\n" }.joined()
        guard isDry || act.outcome == .byHand else { return text }
        guard output.isTerminal else { return text + act.text }
        return text
            + act.text.split(separator: "\n", omittingEmptySubsequences: false).map {
                ShownText.plain(String($0))
            }
            .joined(separator: "\n")
    }

    private var json: [UInt8] {
        JSONWriter.bytes { json in
            json.object { json in
                json.member("ok", !acts.contains { $0.outcome == .failed })
                json.member("dry_run", isDry)
                json.array("applications") { list in
                    for act in acts {
                        list.object {
                            $0.member("name", act.application.name)
                            $0.member("outcome", act.outcome.rawValue)
                            $0.member("file", act.path)
                            if !act.command.isEmpty {
                                $0.array("command") { list in for word in act.command { list.string(word) } }
                            }
                            $0.optionalMember("backup", act.backup)
                            $0.optionalMember("problem", act.outcome == .failed ? act.problem : nil)
                            $0.optionalMember("text", isDry || act.outcome == .byHand ? act.text : nil)
                            $0.optionalMember("then", act.isChange ? act.advice : nil)
                        }
                    }
                }
                json.array("warnings") { list in for warning in warnings { list.string(warning) } }
            }
        }
    }
}
