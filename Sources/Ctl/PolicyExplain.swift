import Audit
import JSON
import Linux
import Policy

/// `cloisterctl policy explain`: the verdict on one act of one client, and all that led to it.
enum PolicyExplain {
    static let command = Command(
        "policy explain", operands: "-- COMMAND…", "Say what policy says to an act of a client, and why",
        details: """
            FACTS describe the client as an expectation does: user=alice,executable=/usr/bin/code; known are user,
            uid, home, group, unit, application, executable, sha256, parent, transport, label, bridge and name.
            What is asked about is one of: a tool (--tool), a permission with a path (--permission FILE_READ
            --path), with a name (--name), or with a command behind --.
            """,
        options: [
            .init("--client", value: "FACTS", "the client"),
            .init("--tool", value: "NAME", "whether it may call this tool"),
            .init(
                "--permission", value: "NAME",
                "FILE_READ, FILE_WRITE_GLOBAL, CODE_EXECUTION, SYSTEM_COMMAND …"),
            .init("--path", value: "PATH", "of a permission for files"),
            .init("--name", value: "NAME", "of a permission for programs, hosts, or what a module declares"),
        ],
        run: run)

    private static func run(_ invocation: Invocation) throws(CtlFault) {
        let found = PolicyCommands.reading(invocation)
        guard let set = found.set else { return try PolicyCommands.report(found.faults, invocation) }
        let facts: ClientFacts
        do throws(PolicyFault) {
            facts = try ClientFacts(described: invocation.value("--client") ?? "")
        } catch {
            throw .usage("--client: \(error.problem)")
        }
        let explanation = set.explain(try need(invocation, facts), for: facts, at: PolicyCommands.moment)
        if invocation.isJSON {
            try invocation.output.writeJSON(json(explanation))
        } else {
            try invocation.output.write(text(explanation))
        }
    }

    private static func need(_ invocation: Invocation, _ facts: ClientFacts) throws(CtlFault) -> Need {
        if let tool = invocation.value("--tool"), !invocation.isGiven("--permission") { return .tool(tool) }
        guard let word = invocation.value("--permission"), let permission = PermissionName(word) else {
            throw .usage("what is asked about is said by --tool or --permission")
        }
        if let path = invocation.value("--path") {
            let whole = path.hasPrefix("~/") ? (facts.home ?? "") + path.dropFirst() : path
            guard whole.hasPrefix("/") else { throw .usage("--path begins with / or ~/") }
            return .path(permission, whole)
        }
        if let program = invocation.operands.first {
            // As run_system_command looks for it.
            let path = HostPrograms.find(program) ?? program
            return Need(permission, .command([path] + invocation.operands.dropFirst()))
        }
        guard let name = invocation.value("--name") ?? invocation.value("--tool") else {
            throw .usage("\(permission) of what? Say --path, --name, or a command behind --")
        }
        return permission == .codeExecution ? .program(name) : Need(permission, .name(name))
    }

    private static func text(_ explanation: Explanation) -> String {
        let decision = explanation.decision
        var lines = ["\(explanation.need): \(decision.verdict.word)"]
        if let rule = decision.rule {
            lines.append(
                "  by the rule at \(rule), of \(rule.block)" + (decision.reason.map { ": \($0)" } ?? ""))
        } else {
            lines.append("  no rule speaks of it")
        }
        let blocks = explanation.blocks
        lines.append(
            "  blocks that fit the client: \(blocks.isEmpty ? "none" : blocks.joined(separator: ", "))")
        for (head, voices) in [("lost", explanation.lost), ("silent", explanation.silent)]
        where !voices.isEmpty {
            lines.append("  \(head):")
            lines += voices.map { "    \($0.effect) at \($0.rule), of \($0.rule.block): \($0.remark)" }
        }
        lines.append("  \(explanation.advice)")
        return lines.map { ShownText.plain($0) + "\n" }.joined()
    }

    private static func json(_ explanation: Explanation) -> [UInt8] {
        JSONWriter.bytes { json in
            json.object { json in
                json.member("need", "\(explanation.need)")
                json.member("verdict", explanation.decision.verdict.word)
                json.optionalMember("rule", explanation.decision.rule?.description)
                json.optionalMember("reason", explanation.decision.reason)
                json.array("blocks") { list in for block in explanation.blocks { list.string(block) } }
                write(explanation.lost, as: "lost", to: &json)
                write(explanation.silent, as: "silent", to: &json)
                json.member("advice", explanation.advice)
            }
        }
    }

    private static func write(_ voices: [Explanation.Voice], as name: StaticString, to json: inout JSONWriter)
    {
        json.array(name) { list in
            for voice in voices {
                list.object {
                    $0.member("rule", "\(voice.rule)")
                    $0.member("block", voice.rule.block)
                    $0.member("effect", voice.effect)
                    $0.member("remark", voice.remark)
                }
            }
        }
    }
}
