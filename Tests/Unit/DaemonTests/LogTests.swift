import Testing

@testable import Daemon

struct LogTests {
    private static let severities: [Log.Severity] = [.error, .warning, .notice, .info, .debug]

    private func sayEverything(to log: Log) {
        log.error("e")
        log.warning("w")
        log.notice("n")
        log.info("i")
        log.debug("d")
    }

    @Test func `in the journal a line begins with its severity, as syslog counts them`() {
        let lines = LogLines()
        sayEverything(to: lines.log(isJournal: true))
        #expect(lines.all == ["<3>e\n", "<4>w\n", "<5>n\n", "<6>i\n", "<7>d\n"])
    }

    @Test func `elsewhere it begins with who speaks`() {
        let lines = LogLines()
        sayEverything(to: lines.log(isJournal: false))
        #expect(lines.all == ["e", "w", "n", "i", "d"].map { "cloisterd: \($0)\n" })
    }

    @Test(arguments: zip(severities, 1...5))
    func `what is milder than asked for is not said`(most: Log.Severity, count: Int) {
        let lines = LogLines()
        sayEverything(to: lines.log(most: most))
        #expect(lines.all.count == count)
    }

    @Test func `what is not said is not put together either`() {
        var count = 0
        func text() -> String {
            count += 1
            return "text"
        }
        let log = LogLines().log(most: .info)
        log.debug(text())
        #expect(count == 0)
        log.info(text())
        #expect(count == 1)
    }

    @Test(arguments: [
        "\n", "\r", "\r\n", "\u{0B}", "\u{0C}", "\u{85}", "\u{2028}", "\u{2029}", "\n\u{301}", "\n\n",
    ])
    func `what somebody says cannot begin a line of its own`(newline: String) {
        let lines = LogLines()
        lines.log().warning("before\(newline)<3>after")
        #expect(lines.all.count == 1)
        let scalars = lines.all[0].unicodeScalars.dropLast()
        #expect(lines.all[0].hasPrefix("<4>before"))
        #expect(lines.all[0].hasSuffix("<3>after\n"))
        #expect(!scalars.contains { $0.properties.isWhitespace && $0 != " " })
    }
}
