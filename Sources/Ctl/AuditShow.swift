import Audit
import Linux

/// `cloisterctl audit`: what was recorded.
enum AuditShow {
    static let command = Command(
        "audit", "Show what applications did, and who allowed it",
        details: """
            Times are UTC: 2026-11-21T08:00:00Z, 2026-11-21 08:00, 2026-11-21, or how long ago: -90s, -15min,
            -2h, -7d. WHO is a user's name or number, an application, an executable's path or name, or a
            session's number.
            """,
        options: [
            .init("--client", value: "WHO", "of this client alone"),
            .init("--tool", value: "NAME", "calls of this tool"),
            .init("--verdict", value: "VERDICT", verdicts.joined(separator: ", ")),
            .init("--kind", value: "KIND", kinds.joined(separator: ", ")),
            .init("--since", value: "TIME", "not before"),
            .init("--until", value: "TIME", "not after"),
            .init(
                "--lines", short: "-n", value: "COUNT",
                "the last so many, or all (usually 100 on a terminal, 10 to follow, else all)"),
            .init("--follow", short: "-f", "go on with what is recorded from now on"),
            .init("--output", value: "FORM", "short (a table), json (a record a line), rfc5424 (syslog)"),
        ],
        run: run)

    private static let verdicts = AuditCall.Verdict.allCases.map(\.rawValue)
    private static let kinds = AuditRecord.Kind.allCases.map(\.rawValue)

    private static func run(_ invocation: Invocation) throws(CtlFault) {
        let filter = try filter(invocation)
        let word = try invocation.choice("--output", AuditForm.allCases.map(\.rawValue))
        let form = word.flatMap(AuditForm.init) ?? (invocation.isJSON ? .json : .short)
        let follows = invocation.isGiven("--follow")
        let count = try count(invocation, follows: follows)
        // A directory that is not there is an error, and not an empty log.
        let directory = invocation.places.audit
        _ = try reading { () throws(SystemError) in try directory.files() }
        var reader = AuditReader(directory)
        var printer = AuditPrinter(form, invocation.output)
        if let count {
            let last = try reading { () throws(SystemError) in
                try reader.last(count, where: filter.fits)
            }
            try printer.print(last)
        }
        // What is left: all of it without a count, and nothing or what came meanwhile with one.
        try printer.print(from: &reader, filter)
        while follows {
            SystemClock.sleep(.milliseconds(200))
            try printer.print(from: &reader, filter)
        }
    }

    // MARK: What was asked for

    private static func filter(_ invocation: Invocation) throws(CtlFault) -> AuditFilter {
        var filter = AuditFilter()
        filter.client = invocation.value("--client")
        filter.tool = invocation.value("--tool")
        filter.verdict = try invocation.choice("--verdict", verdicts)
        filter.kind = try invocation.choice("--kind", kinds)
        filter.since = try time("--since", invocation)
        filter.until = try time("--until", invocation)
        return filter
    }

    private static func time(_ option: String, _ invocation: Invocation) throws(CtlFault) -> AuditTime? {
        guard let text = invocation.value(option) else { return nil }
        let now = AuditTime(microseconds: SystemClock.microsecondsSince1970)
        guard let time = TimeText.time(text, now: now) else {
            throw .usage("\(option) takes a time such as 2026-11-21T08:00:00Z or -15min, not \"\(text)\"")
        }
        return time
    }

    /// `nil`: all.
    private static func count(_ invocation: Invocation, follows: Bool) throws(CtlFault) -> Int? {
        guard let text = invocation.value("--lines") else {
            return follows ? 10 : invocation.output.isTerminal ? 100 : nil
        }
        if text == "all" { return nil }
        guard let count = Int(text), (0...1_000_000).contains(count) else {
            throw .usage("--lines takes a number from 0 to 1000000 or all, not \"\(text)\"")
        }
        return count
    }

    static func reading<Result>(
        _ body: () throws(SystemError) -> Result
    ) throws(CtlFault) -> Result {
        do throws(SystemError) {
            return try body()
        } catch {
            throw .failed("\(error)")
        }
    }
}
