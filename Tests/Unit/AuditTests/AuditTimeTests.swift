import Audit
import Testing

@Suite struct AuditTimeTests {
    @Test(
        "A moment is written in UTC to the microsecond, and read again",
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_763_712_000_123_456, "2025-11-21T08:00:00.123456Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        ] as [(Int64, String)])
    func spelling(microseconds: Int64, text: String) {
        #expect(AuditTime(microseconds: microseconds).description == text)
        #expect(AuditTime(text)?.microseconds == microseconds)
    }

    @Test("A clock that is nowhere still gives a moment with four digits of a year")
    func wildClock() {
        #expect(AuditTime(microseconds: .min).description == "1970-01-01T00:00:00.000000Z")
        #expect(AuditTime(microseconds: .max).description == "9999-12-31T23:59:59.999999Z")
    }

    @Test(
        "Other spellings of RFC 3339 are read",
        arguments: [
            "2025-11-21T08:00:00Z", "2025-11-21 08:00:00Z", "2025-11-21T09:30:00+01:30",
            "2025-11-21t08:00:00.0z", "2025-11-21T07:59:00-00:01", "2025-11-21T08:00Z",
        ])
    func otherSpellings(text: String) {
        #expect(AuditTime(text)?.microseconds == 1_763_712_000_000_000)
    }

    @Test(
        "What is no moment is not read",
        arguments: [
            "", "2025", "2025-11-21", "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z",
            "2025-11-21T24:00:00Z", "2025-11-21T08:00:00", "2025-11-21T08:00:00Zx", "1969-12-31T23:59:59Z",
            "2025-11-21T08:00:00.Z", "٢٠٢٥-11-21T08:00:00Z",
        ])
    func noMoment(text: String) {
        #expect(AuditTime(text) == nil)
    }
}
