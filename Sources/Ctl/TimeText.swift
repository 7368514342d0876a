import Audit

/// A moment as people write one on a command line, in UTC.
enum TimeText {
    private static let units: [(String, Int64)] = [
        ("min", 60), ("m", 60), ("s", 1), ("h", 3600), ("d", 86_400), ("w", 604_800),
    ]

    static func time(_ text: String, now: AuditTime) -> AuditTime? {
        if text == "now" { return now }
        if text == "today" { return AuditTime(now.description.prefix(10) + "T00:00:00Z") }
        if text.hasPrefix("-") {
            guard let seconds = seconds(text.dropFirst()) else { return nil }
            return AuditTime(microseconds: now.microseconds - seconds * 1_000_000)
        }
        return AuditTime(text) ?? AuditTime(text + "Z") ?? AuditTime(text + "T00:00:00Z")
    }

    private static func seconds(_ text: Substring) -> Int64? {
        for (unit, factor) in units where text.hasSuffix(unit) {
            guard let number = Int64(text.dropLast(unit.count)), (0...1_000_000_000).contains(number) else {
                return nil
            }
            return number * factor
        }
        return nil
    }
}
