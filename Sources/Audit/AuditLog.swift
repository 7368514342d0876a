import Linux

// All that the daemon knows of its audit: records go in, and are written to the file and sent to the journal before
// `write` returns. When it throws, the reply that the record describes must not leave.
//
//   write ─▶ waiting (records) ─▶ AuditFile ─▶ unsent (entries) ─▶ JournalSocket
//
// No record is dropped for a failure: what could not be written waits here, in order, and goes with the next one
// that can. `isWritable` says whether the last attempt emptied both queues; where audit is required, the daemon
// lets nothing happen while it is false, and the records of those refusals are the attempts.
//
// A journal whose socket is full is behind, which everybody can bring about who writes to it. The record is in the file,
// and follows there; only one that takes nothing for a while is a failure, or one with too many before it.
//
// Both queues are bounded. What overflows the first is counted, and the next checkpoint says how many were lost.
// What overflows the second is in the file, and the journal alone lacks it.

package final class AuditLog {
    private struct Waiting {
        let record: AuditRecord
        let time: AuditTime
        let members: [UInt8]
    }

    private var settings: Settings
    private let clock: Clock
    private var file: AuditFile
    private var journal: JournalSocket?
    private var waiting: [Waiting] = []
    private var waitingBytes = 0
    private var unsent: [JournalEntry] = []
    /// Since when the journal has taken nothing, though it was offered something.
    private var journalIsFullSince: Duration?
    private var sinceCheckpoint: UInt64 = 0
    private var lostSinceCheckpoint: UInt64 = 0
    private var lastCheckpoint: Duration
    private var isHeadStale = false

    /// Whether everything is where it belongs.
    package private(set) var isWritable = true {
        didSet { if isWritable != oldValue { onWritable() } }
    }
    /// It is now, or is not any more.
    package var onWritable: () -> Void = {}
    package private(set) var counts = Counts()
    /// What was found at the start.
    package let recovery: Recovery

    /// Opens the directory, which it makes if it is missing, and writes the record of kind `start`. Throws when the
    /// directory cannot be used at all.
    package init(
        in directory: AuditDirectory, _ settings: Settings, start: AuditStart, clock: Clock = .system
    ) throws(AuditFault) {
        let opened = try AuditFile.open(in: directory, settings.file)
        recovery = opened.found
        file = opened.file
        journal = settings.journal.map { JournalSocket(path: $0) }
        (self.settings, self.clock) = (settings, clock)
        lastCheckpoint = clock.monotonic()
        var start = start
        start.tornBytes = recovery.tornBytes
        start.missingRecords = recovery.missingRecords
        start.damagedFile = recovery.damagedFile
        // Signed at once, with a journal or without: a directory without a head verifies as one that lost it.
        // What cannot be written yet waits like every other record: the daemon is there, and refuses calls.
        try? attempt { () throws(AuditFault) in
            try enqueue(AuditRecord(.start(start)))
            try sign()
        }
    }

    /// Where the chain stands.
    package var last: ChainPlace { file.last }

    /// Whether calls may go on.
    package var allowsCalls: Bool { isWritable || !settings.isRequired }

    /// From the next record on. What was not synced so far is, where it has to be now.
    package func adopt(isRequired: Bool, _ file: AuditFile.Settings) {
        settings.isRequired = isRequired
        settings.file = file
        self.file.settings = file
        guard file.sync != .never else { return }
        try? attempt { () throws(AuditFault) in try self.file.sync() }
    }

    // MARK: Writing

    /// When it returns, the record is in the file, and the journal has it. Where audit is not required it also
    /// returns when that could not be.
    package func write(_ record: AuditRecord) throws(AuditFault) {
        try attempt { () throws(AuditFault) in
            try enqueue(record)
            try flush()
        }
        // The record is where it belongs: that it could not be signed is for the next one to suffer from.
        if isWritable, sinceCheckpoint >= settings.checkpointRecords || isHeadStale {
            try? attempt { () throws(AuditFault) in try sign() }
        }
    }

    private func attempt(_ act: () throws(AuditFault) -> Void) throws(AuditFault) {
        do throws(AuditFault) {
            try act()
            isWritable = true
        } catch {
            isWritable = false
            counts.failures += 1
            if settings.isRequired { throw error }
        }
    }

    /// Throws where too many wait already and still cannot be written: then it is lost.
    private func enqueue(_ record: AuditRecord) throws(AuditFault) {
        let time = clock.time()
        let members = record.members(at: time)
        if waiting.count >= settings.mostWaiting
            || !waiting.isEmpty && waitingBytes + members.count > settings.mostWaitingBytes
        {
            do throws(AuditFault) {
                try writeWaiting()
            } catch {
                counts.lost += 1
                lostSinceCheckpoint += 1
                throw error
            }
        }
        waiting.append(Waiting(record: record, time: time, members: members))
        waitingBytes += members.count
    }

    private func flush() throws(AuditFault) {
        try writeWaiting()
        try sendToJournal()
    }

    private func writeWaiting() throws(AuditFault) {
        guard !waiting.isEmpty else { return }
        let before = file.last.sequence
        try file.append(waiting.map(\.members))
        counts.written += UInt64(waiting.count)
        sinceCheckpoint += UInt64(waiting.count)
        if journal != nil { keepForJournal(after: before) }
        waiting.removeAll(keepingCapacity: waiting.count == 1)
        waitingBytes = 0
    }

    private func keepForJournal(after sequence: UInt64) {
        var sequence = sequence
        for one in waiting {
            sequence += 1
            // The hash of those in between is in the next one's `prev`, in the file.
            let hash = sequence == file.last.sequence ? file.last.hash : nil
            unsent.append(JournalEntry(one.record, sequence: sequence, hash: hash, time: one.time))
        }
        let tooMany = unsent.count - settings.mostWaiting
        if tooMany > 0 {
            unsent.removeFirst(tooMany)
            counts.unsent += UInt64(tooMany)
        }
    }

    private func sendToJournal() throws(AuditFault) {
        guard journal != nil, !unsent.isEmpty else { return }
        var sent = 0
        defer { unsent.removeFirst(sent) }
        while sent < unsent.count {
            do throws(JournalFault) {
                try journal!.send(unsent[sent])
            } catch {
                guard case .full = error else { throw .journal(error) }
                let now = clock.monotonic()
                let since = journalIsFullSince ?? now
                journalIsFullSince = since
                guard now - since < settings.journalPatience, unsent.count < settings.mostWaiting else {
                    throw .journal(error)
                }
                return
            }
            journalIsFullSince = nil
            sent += 1
        }
    }

    /// Whether it is worth trying again soon.
    package var isBehind: Bool { isWritable && !unsent.isEmpty }

    package func catchUp() { try? attempt { () throws(AuditFault) in try sendToJournal() } }

    /// Whoever ends takes along what the journal has not got.
    private func waitForJournal(_ time: Duration) {
        let end = SystemClock.monotonic + time
        while !unsent.isEmpty, SystemClock.monotonic < end, journal?.waitForRoom(until: end) == true {
            try? attempt { () throws(AuditFault) in try sendToJournal() }
        }
    }

    // MARK: Checkpoints

    /// Signs all records so far, in the chain and in the file `head`.
    private func sign() throws(AuditFault) {
        try writeWaiting()
        if sinceCheckpoint > 0 || lostSinceCheckpoint > 0 { try writeCheckpoint() }
        // Of whatever is the newest record: it stands for all before it.
        try file.writeHead()
        isHeadStale = false
        try sendToJournal()
    }

    private func writeCheckpoint() throws(AuditFault) {
        let checkpoint = AuditCheckpoint(
            count: sinceCheckpoint, lost: lostSinceCheckpoint, signature: file.signature())
        let record = AuditRecord(.checkpoint(checkpoint))
        let time = clock.time()
        try file.append([record.members(at: time)])
        counts.written += 1
        (sinceCheckpoint, lostSinceCheckpoint) = (0, 0)
        lastCheckpoint = clock.monotonic()
        isHeadStale = true
        guard journal != nil else { return }
        unsent.append(
            JournalEntry(record, sequence: file.last.sequence, hash: file.last.hash, time: time))
    }

    /// To be called every second or so: signs and syncs what is due, and tries again what failed.
    package func tick() throws(AuditFault) {
        try attempt { () throws(AuditFault) in
            file.leaveIfTakenAway()
            try flush()
            if file.settings.sync == .interval { try file.sync() }
            let isDue = clock.monotonic() - lastCheckpoint >= settings.checkpointTime
            let isUnsigned = sinceCheckpoint > 0 || lostSinceCheckpoint > 0
            if isHeadStale || isUnsigned && isDue { try sign() }
        }
    }

    /// The last records of a daemon that ends: that it does, and a checkpoint.
    package func close(_ stop: AuditStop) throws(AuditFault) {
        try write(AuditRecord(.stop(stop)))
        try attempt { () throws(AuditFault) in
            try sign()
            if file.settings.sync != .never { try file.sync() }
        }
        waitForJournal(settings.farewell)
        counts.unsent += UInt64(unsent.count)
        unsent = []
    }
}
