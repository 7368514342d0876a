/// A moment in microseconds since 1970, as RFC 3339 writes it in UTC: `2026-11-21T08:00:00.000000Z`.
package struct AuditTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let microseconds: Int64

    package init(microseconds: Int64) {
        // Four digits of a year, whatever a clock says.
        self.microseconds = min(max(microseconds, 0), 253_402_300_799_999_999)
    }

    package static func < (one: AuditTime, other: AuditTime) -> Bool {
        one.microseconds < other.microseconds
    }

    package var description: String {
        let seconds = microseconds / 1_000_000
        let (days, time) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let (year, month, day) = Calendar.date(daysSince1970: days)
        var text: [UInt8] = []
        text.reserveCapacity(27)
        func put(_ value: Int64, _ width: Int, _ end: Character) {
            var power = (1..<width).reduce(1 as Int64) { power, _ in power * 10 }
            while power > 0 {
                text.append(UInt8(ascii: "0") + UInt8(value / power % 10))
                power /= 10
            }
            text.append(end.asciiValue ?? 0)
        }
        put(year, 4, "-")
        put(month, 2, "-")
        put(day, 2, "T")
        put(time / 3600, 2, ":")
        put(time / 60 % 60, 2, ":")
        put(time % 60, 2, ".")
        put(microseconds % 1_000_000, 6, "Z")
        return String(decoding: text, as: UTF8.self)
    }

    /// From `2026-11-21T08:00:00Z`, with any number of digits of a second and with `+02:00` for the Z.
    package init?(_ text: some StringProtocol) {
        var reader = TimeReader(text.utf8)
        guard let date = reader.date(), reader.take("T") || reader.take("t") || reader.take(" "),
            let time = reader.time(), let offset = reader.offset(), reader.isAtEnd
        else { return nil }
        let all = (date * 86_400 - offset) * 1_000_000 + time
        guard all >= 0 else { return nil }
        self.init(microseconds: all)
    }
}

/// Years are counted from March, so that the day that comes and goes is their last; 400 of them are an era.
enum Calendar {
    static func date(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    /// `nil` for a day that there is not.
    static func days(year: Int64, month: Int64, day: Int64) -> Int64? {
        guard (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else {
            return nil
        }
        let shifted = month <= 2 ? year - 1 : year
        let yearOfEra = shifted % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = shifted / 400 * 146_097 + dayOfEra - 719_468
        let again = date(daysSince1970: days)
        return again == (year, month, day) ? days : nil
    }
}

/// Takes a time apart, piece by piece.
struct TimeReader<Bytes: Collection> where Bytes.Element == UInt8 {
    private var rest: Bytes.SubSequence

    init(_ bytes: Bytes) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func number(_ digits: Int) -> Int64? {
        guard rest.count >= digits else { return nil }
        var value: Int64 = 0
        for _ in 0..<digits {
            guard let digit = rest.popFirst(), digit &- 0x30 < 10 else { return nil }
            value = value * 10 + Int64(digit - 0x30)
        }
        return value
    }

    /// In days since 1970.
    mutating func date() -> Int64? {
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2)
        else { return nil }
        return Calendar.days(year: year, month: month, day: day)
    }

    /// In microseconds since midnight. Seconds may be missing.
    mutating func time() -> Int64? {
        guard let hour = number(2), hour < 24, take(":"), let minute = number(2), minute < 60 else {
            return nil
        }
        var microseconds: Int64 = 0
        if take(":") {
            guard let second = number(2), second <= 60 else { return nil }
            microseconds = second * 1_000_000
            if take(".") {
                guard let fraction = fraction() else { return nil }
                microseconds += fraction
            }
        }
        return (hour * 3600 + minute * 60) * 1_000_000 + microseconds
    }

    private mutating func fraction() -> Int64? {
        var (value, unit): (Int64, Int64) = (0, 100_000)
        guard let first = rest.first, first &- 0x30 < 10 else { return nil }
        while let digit = rest.first, digit &- 0x30 < 10 {
            value += Int64(digit - 0x30) * unit
            unit /= 10
            rest.removeFirst()
        }
        return value
    }

    /// In seconds ahead of UTC.
    mutating func offset() -> Int64? {
        if take("Z") || take("z") { return 0 }
        let isAhead = take("+")
        guard isAhead || take("-"), let hours = number(2), hours < 24, take(":"), let minutes = number(2),
            minutes < 60
        else { return nil }
        return (isAhead ? 1 : -1) * (hours * 3600 + minutes * 60)
    }
}
