import Audit
import Cells
import Linux

/// How far a call has come: what it takes to go on with it in another process. A call is what its tool makes of its
/// arguments and of what its cell answers, so it is gone through again with the answers that there were, up to the
/// request that is under way.
// Unchecked: touched on the loop's thread only.
package final class CallStage: @unchecked Sendable {
    /// Who puts on record what a call waits for.
    struct Recorder {
        /// A request to its cell.
        let onJob: (UInt32) -> Void
        /// A request to celld for a command on the host.
        let onRequest: (UInt32) -> Void
        /// The command runs, or does not any more.
        let onCommand: (Cell?) -> Void
    }

    /// A daemon that hands nothing over has none, and nothing is kept for it.
    private let recorder: Recorder?
    /// The request for a command on the host of which celld has not said what came of it.
    private(set) var hostRequest: UInt32?
    /// The command on the host that it waits for.
    private(set) var command: Cell?
    private(set) var memory: CallMemory
    /// Answers that are still to be gone through.
    private var replay: [CellFrame]
    private var adopted: (job: UInt32, cell: UInt32)?
    private(set) var job: UInt32?

    package init() {
        recorder = nil
        memory = CallMemory(began: SystemClock.monotonic)
        replay = []
    }

    init(_ recorder: Recorder) {
        self.recorder = recorder
        memory = CallMemory(began: SystemClock.monotonic)
        replay = []
    }

    /// Of a call that another process began.
    convenience init(
        _ memory: CallMemory, job: UInt32?, in cell: UInt32?, hostRequest: UInt32?, command: Cell?,
        _ recorder: Recorder
    ) {
        self.init(recorder)
        (self.memory, self.job) = (memory, job)
        (self.hostRequest, self.command) = (hostRequest, command)
        if let job { adopted = (job, cell ?? 0) }
        replay = memory.past
        // They come again, from where its answer comes.
        self.memory.seen = []
    }

    var isPermitted: Bool {
        get { memory.isPermitted }
        set { memory.isPermitted = newValue }
    }

    func requested(_ number: UInt32) {
        hostRequest = number
        recorder?.onRequest(number)
    }

    func requestWasRefused() { hostRequest = nil }

    func began(_ command: Cell) {
        (hostRequest, self.command) = (nil, command)
        recorder?.onCommand(command)
    }

    func commandEnded() {
        command = nil
        recorder?.onCommand(nil)
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
        recorder?.onJob(job)
    }

    func saw(_ frame: CellFrame) {
        if recorder != nil { memory.seen.append(frame) }
    }

    func ended(with frame: CellFrame?) {
        job = nil
        memory.seen = []
        if recorder != nil, let frame { memory.past.append(frame) }
    }
}
