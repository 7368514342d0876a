/// Signals by the names that people know them by. The numbers are those of Linux on every machine that it is
/// built for here.
enum SignalName {
    static let fileTooLarge: UInt8 = 25
    static let badSystemCall: UInt8 = 31

    private static let names = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
        "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
        "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ]

    static func of(_ number: UInt8) -> String {
        (1...names.count).contains(Int(number)) ? "SIG" + names[Int(number) - 1] : "signal \(number)"
    }

    static func number(_ name: String) -> UInt8? {
        let short = name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name
        return names.firstIndex(of: short).map { UInt8($0 + 1) }
    }
}
