/// When a decision is made: by the clock, and by the calendar where the machine is.
package struct Moment: Equatable, Sendable {
    /// Since 1970.
    package var seconds: Int
    /// 0 is Monday.
    package var weekday: Int
    package var minuteOfDay: Int

    package init(seconds: Int, weekday: Int, minuteOfDay: Int) {
        (self.seconds, self.weekday, self.minuteOfDay) = (seconds, weekday, minuteOfDay)
    }

    /// With local time so far ahead of UTC.
    package init(seconds: Int, utcOffset: Int) {
        let local = seconds + utcOffset
        let day = local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
        // 1 January 1970 was a Thursday.
        self.init(
            seconds: seconds, weekday: ((day + 3) % 7 + 7) % 7, minuteOfDay: (local - day * 86_400) / 60)
    }
}

/// `Mon-Fri 08:00-18:00`, `Sat,Sun`, `22:00-06:00`: days of the week, hours of the day, or both. Hours that end before
/// they begin go over midnight, and belong to the day on which they began.
package struct TimeWindow: Hashable, Sendable {
    private let days: Set<Int>
    private let minutes: Range<Int>

    private static let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    private static let minutesOfDay = 24 * 60

    package init?(_ text: String) {
        let words = text.split(separator: " ")
        guard (1...2).contains(words.count) else { return nil }
        var (days, minutes): (Set<Int>?, Range<Int>?) = (nil, nil)
        for word in words {
            if word.contains(":"), minutes == nil, let hours = Self.hours(word) {
                minutes = hours
            } else if days == nil, minutes == nil, let named = Self.days(word) {
                days = named
            } else {
                return nil
            }
        }
        self.days = days ?? Set(0..<7)
        self.minutes = minutes ?? 0..<Self.minutesOfDay
    }

    private static func days(_ text: Substring) -> Set<Int>? {
        var days: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map {
                names.firstIndex(of: String($0))
            }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends.last ?? nil else {
                return nil
            }
            var day = first
            days.insert(day)
            while day != last {
                day = (day + 1) % 7
                days.insert(day)
            }
        }
        return days
    }

    private static func hours(_ text: Substring) -> Range<Int>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map(minute)
        guard ends.count == 2, let start = ends[0], let end = ends[1], start != end, start < minutesOfDay
        else {
            return nil
        }
        return start..<(end > start ? end : end + minutesOfDay)
    }

    private static func minute(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }), let hour = Int(parts[0]),
            let minute = Int(parts[1]), (0...24).contains(hour), (0..<60).contains(minute),
            hour * 60 + minute <= minutesOfDay
        else { return nil }
        return hour * 60 + minute
    }

    package func contains(_ moment: Moment) -> Bool {
        let yesterday = (moment.weekday + 6) % 7
        return days.contains(moment.weekday) && minutes.contains(moment.minuteOfDay)
            || days.contains(yesterday) && minutes.contains(moment.minuteOfDay + Self.minutesOfDay)
    }
}
