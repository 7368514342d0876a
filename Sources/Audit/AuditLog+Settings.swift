import Linux

// What a log is told, what it counts, and where it has its time from.
extension AuditLog {
    package struct Settings: Sendable {
        /// Where it is not required, calls go on when their records cannot be written.
        package var isRequired = true
        package var file = AuditFile.Settings()
        /// `nil`: no journal.
        package var journal: String?
        package var checkpointRecords: UInt64 = 1000
        package var checkpointTime: Duration = .seconds(60)
        /// How long a journal that is there may take nothing.
        package var journalPatience: Duration = .seconds(5)
        /// How long whoever ends waits for it.
        package var farewell: Duration = .milliseconds(100)
        package var mostWaiting = 4096
        package var mostWaitingBytes = 16 << 20

        package init() {}
    }

    package struct Counts: Equatable, Sendable {
        package internal(set) var written: UInt64 = 0
        package internal(set) var failures: UInt64 = 0
        package internal(set) var lost: UInt64 = 0
        /// In the file, and never to be in the journal.
        package internal(set) var unsent: UInt64 = 0
    }

    /// Where time comes from.
    package struct Clock: Sendable {
        package var time: @Sendable () -> AuditTime
        package var monotonic: @Sendable () -> Duration

        package init(
            time: @escaping @Sendable () -> AuditTime, monotonic: @escaping @Sendable () -> Duration
        ) {
            (self.time, self.monotonic) = (time, monotonic)
        }

        package static let system = Clock(
            time: { AuditTime(microseconds: SystemClock.microsecondsSince1970) },
            monotonic: { SystemClock.monotonic })
    }
}
