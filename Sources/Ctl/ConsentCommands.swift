import Audit
import JSON

/// `cloisterctl approvals`, `approve`, `deny`, `grants`, `grants revoke`: what people are asked, and what they said.
enum ConsentCommands {
    static let approvals = Command(
        "approvals", "List the questions that wait for a person",
        details: "Arguments are shown as they were sent; what commands a terminal is shown by its number.",
        options: [DaemonShow.all]
    ) { (invocation) throws(CtlFault) in
        let answer = try DaemonClient(invocation).list(.approvals, all: invocation.wantsAll)
        if invocation.isJSON { return try invocation.output.writeJSON(answer.bytes) }
        for question in answer["approvals"].map({ Array($0.elements) }) ?? [] {
            try invocation.output.write(text(question))
        }
    }

    static let approve = Command(
        "approve", operands: "NUMBER", "Allow what a question asks for",
        details:
            "Once, unless it is said for how long. The answer is to exactly the arguments that were shown.",
        options: [
            .init("--session", "the same call again, as long as the client's session lasts"),
            .init("--for", value: "TIME", "the same call of the same client again, for 10min, 2h, 7d"),
            .init("--always", "the same call of the same client again, until the grant is revoked"),
        ]
    ) { (invocation) throws(CtlFault) in
        let scopes = ["--session", "--for", "--always"].filter(invocation.isGiven)
        guard scopes.count < 2 else {
            throw .usage("only one of \(scopes.joined(separator: ", ")) can be said")
        }
        let word = scopes.first.map { $0 == "--for" ? "time" : String($0.dropFirst(2)) } ?? "once"
        let seconds = try invocation.value("--for").map(duration)
        try answer(invocation, word, seconds)
    }

    static let deny = Command("deny", operands: "NUMBER", "Deny what a question asks for") {
        (invocation) throws(CtlFault) in try answer(invocation, "deny", nil)
    }

    static let grants = Command(
        "grants", "List what people allowed for more than one call", options: [DaemonShow.all]
    ) {
        (invocation) throws(CtlFault) in
        try invocation.show(
            try DaemonClient(invocation).list(.grants, all: invocation.wantsAll), "grants",
            ["GRANT", "USER", "PROGRAM", "TOOL", "WHAT", "UNTIL", "GIVEN BY"]
        ) { grant in
            let until =
                grant["session"] != nil
                ? "session \(grant.text("session")) ends"
                : grant["expires"].map { _ in "@" + grant.text("expires") } ?? "revoked"
            return [
                grant.text("number"), grant.userText, grant.programText, grant.text("tool"),
                grant.texts("needs").joined(separator: ", "), until, "uid \(grant.text("giver"))",
            ]
        }
    }

    static let revoke = Command("grants revoke", operands: "NUMBER", "Take a grant back") {
        (invocation) throws(CtlFault) in
        let number = try invocation.number("grant")
        let answer = try DaemonClient(invocation).revoke(number)
        if invocation.isJSON { try invocation.output.writeJSON(answer.bytes) }
    }

    // MARK: Pieces

    private static func answer(_ invocation: Invocation, _ word: String, _ seconds: Int?) throws(CtlFault) {
        let number = try invocation.number("question")
        let client = try DaemonClient(invocation)
        guard let question = try find(number, client, invocation) else {
            throw .failed("question \(number) does not stand (any more)")
        }
        // What is answered is what was just looked at, and is shown with the answer.
        let said = try client.answer(number, digest: question.text("digest"), word, seconds: seconds)
        if invocation.isJSON { return try invocation.output.writeJSON(said.bytes) }
        try invocation.output.write(text(question) + "  \(said.text("said"))\n")
    }

    /// Among one's own first: nobody has to prove anything for these.
    private static func find(
        _ number: UInt64, _ client: DaemonClient, _ invocation: Invocation
    ) throws(CtlFault) -> JSONValue? {
        for all in invocation.wantsAll ? [true] : [false, true] {
            let waiting = try client.list(.approvals, all: all)["approvals"].map { Array($0.elements) } ?? []
            let found = waiting.first { $0["number"]?.integer == Int64(clamping: number) }
            if let found { return found }
        }
        return nil
    }

    private static func text(_ question: JSONValue) -> String {
        var lines = [
            "question \(question.text("number")): \(question.text("tool"))",
            "  client     \(question.userText), \(question.programText)",
        ]
        if let claim = question["claim"]?.string {
            lines.append("  says it is \(claim) (nobody vouches for that)")
        }
        if let way = question["via"]?.string, way != "queue" {
            lines.append("  asked      through \(way), and answered there")
        }
        lines.append("  wants      \(question.texts("needs").joined(separator: ", "))")
        lines.append("  arguments  \(question.text("arguments"))")
        lines.append("  rule       \(question.text("rule"))")
        if let reason = question["reason"]?.string { lines.append("  reason     \(reason)") }
        lines.append("  digest     \(question.text("digest"))")
        if question["seconds_left"] != nil { lines.append("  time left  \(question.text("seconds_left")) s") }
        return lines.map { ShownText.plain($0) + "\n" }.joined()
    }

    private static func duration(_ text: String) throws(CtlFault) -> Int {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units = ["s": 1, "min": 60, "h": 3600, "d": 86_400]
        guard let number = Int(digits), let unit = units[String(text.dropFirst(digits.count))], number > 0,
            number <= 31_536_000 / unit
        else { throw .usage("--for takes a time such as 10min, 2h or 7d, at most 365d, not \"\(text)\"") }
        return number * unit
    }
}
