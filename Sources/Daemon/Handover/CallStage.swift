import Audit
import Cells
import Linux

/// How far a call has come: what it takes to go on with it in another process. A call is what its tool makes of its
/// arguments and of what its cell answers, so it is gone through again with the answers that there were, up to the
/// request that is under way.
// Unchecked: touched on the loop's thread only.
package final class CallStage: @unchecked Sendable {
    /// Kept for whoever asks; a daemon that hands nothing over keeps nothing.
    private let remembers: Bool
    private let onJob: (UInt32) -> Void
    private let onCommand: (Cell?) -> Void
    /// The command on the host that it waits for.
    private(set) var command: Cell?
    private(set) var memory: CallMemory
    /// Answers that are still to be gone through.
    private var replay: [CellFrame]
    private var adopted: (job: UInt32, cell: UInt32)?
    private(set) var job: UInt32?

    package init() {
        (remembers, onJob, onCommand) = (false, { _ in }, { _ in })
        memory = CallMemory(began: SystemClock.monotonic)
        replay = []
    }

    /// `onCommand` hears of a command when it runs, and when it does not any more.
    init(onJob: @escaping (UInt32) -> Void, onCommand: @escaping (Cell?) -> Void) {
        (remembers, self.onJob, self.onCommand) = (true, onJob, onCommand)
        memory = CallMemory(began: SystemClock.monotonic)
        replay = []
    }

    /// Of a call that another process began.
    convenience init(
        _ memory: CallMemory, job: UInt32?, in cell: UInt32?, command: Cell?,
        onJob: @escaping (UInt32) -> Void, onCommand: @escaping (Cell?) -> Void
    ) {
        self.init(onJob: onJob, onCommand: onCommand)
        (self.memory, self.job, self.command) = (memory, job, command)
        if let job { adopted = (job, cell ?? 0) }
        replay = memory.past
        // They come again, from where its answer comes.
        self.memory.seen = []
    }

    var isPermitted: Bool {
        get { memory.isPermitted }
        set { memory.isPermitted = newValue }
    }

    /// Before celld hears of it.
    func beginsOnHost() { memory.isOnHost = true }

    func began(_ command: Cell) {
        memory.isOnHost = false
        self.command = command
        onCommand(command)
    }

    func commandEnded() {
        command = nil
        onCommand(nil)
    }

    var consent: AuditCall.Consent? {
        get { memory.consent }
        set { memory.consent = newValue }
    }

    /// Whether what its cell says next was said before, and so was answered before.
    var isReplaying: Bool { !replay.isEmpty || adopted != nil }

    /// How the next request ended, where it was made before.
    func takeAnswer() -> CellFrame? { replay.isEmpty ? nil : replay.removeFirst() }

    /// The number of the request that is under way already in this cell, once.
    func takeJob(in cell: UInt32) throws(CellFailure) -> UInt32? {
        guard let adopted = adopted.take() else { return nil }
        guard adopted.cell == cell else { throw CellFailure(.other, "the cell that it ran in has ended") }
        return adopted.job
    }

    func began(_ job: UInt32) {
        self.job = job
        onJob(job)
    }

    func saw(_ frame: CellFrame) {
        if remembers { memory.seen.append(frame) }
    }

    func ended(with frame: CellFrame?) {
        job = nil
        memory.seen = []
        if remembers, let frame { memory.past.append(frame) }
    }
}
