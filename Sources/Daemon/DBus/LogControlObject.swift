import Bus

/// `org.freedesktop.LogControl1`, as org.freedesktop.LogControl1(5) has it: `systemctl service-log-level cloisterd debug`.
struct LogControlObject: BusObject {
    let log: Log

    static let path = "/org/freedesktop/LogControl1"
    static let interface = BusInterface(
        "org.freedesktop.LogControl1",
        properties: [
            .init("LogLevel", "s", .silent, isWritable: true),
            .init("LogTarget", "s", .silent, isWritable: true),
            .init("SyslogIdentifier", "s"),
        ])

    /// As syslog(3) names them, the most severe first. We say nothing that is more severe than an error.
    private static let levels = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]

    var interfaces: [BusInterface] { [Self.interface] }

    func admit(_ call: BusCall) {}

    func value(of property: String, in interface: String) -> BusValue {
        switch property {
        case "LogLevel": .string(Self.levels[log.most.rawValue])
        case "LogTarget": .string(target)
        case "SyslogIdentifier": .string("cloisterd")
        default: preconditionFailure("\(property) is offered and not there")
        }
    }

    /// Where standard error leads.
    private var target: String { log.isJournal ? "journal" : "console" }

    func set(_ property: String, to value: BusValue, for call: BusCall) throws(BusFault) {
        guard case .string(let word) = value else { throw BusFault(.invalidArguments, "a string is wanted") }
        if property == "LogTarget" {
            try call.require(.setLogging, ["what": "where it goes"])
            guard word == target else {
                throw BusFault(
                    name: DBusNames.errors + "Refused",
                    "the log goes to \(target), and nowhere else as long as cloisterd runs")
            }
            return
        }
        guard let place = Self.levels.firstIndex(of: word) else {
            throw BusFault(.invalidArguments, "a level is one of \(Self.levels.joined(separator: ", "))")
        }
        try call.require(.setLogging, ["what": "everything up to \(word)"])
        log.most = Log.Severity(rawValue: max(place, Log.Severity.error.rawValue)) ?? .info
    }
}
