// A cell's life, as cloisterd sees it.
//
//   asked for ──celld built it──▶ standing ──its client is gone: closed──▶ gone
//        └──celld refused──▶ (never was)      └──it ended: every call answered──▶ gone
//
// Invariants: every call gets one answer; `gone` is final. celld owns the kernel objects; this type owns the
// socket to the cell, and closing it is what ends the cell. An answer to a call that nobody waits for any
// more is dropped.
//
// A command on the host has the same life. It is one call, which has begun when celld hands over its socket, and
// nothing is ever sent to it.

import Cells
import EventLoop
import Linux
import Tools

package actor Cell: CellAccess {
    enum Letter: Sendable {
        case frame(CellFrame)
        /// Not of the cell's, but about it.
        case failure(CellFailure)
    }

    /// What has come for a call, and who waits for more.
    struct Mailbox {
        var letters: [Letter] = []
        var waiter: CheckedContinuation<Letter, Never>?
    }

    enum Kind: Sendable { case cell, command }

    /// What the process that runs a command calls its one call.
    static let command: UInt32 = 1

    package nonisolated let report: WallReport
    private let kind: Kind
    private nonisolated let loop: EventLoop
    var connection: StreamConnection?
    var reader = CellFrameReader()
    var mailboxes: [UInt32: Mailbox] = [:]
    var lastCall: UInt32 = 0
    /// What it was told last; a cell that was told nothing allows whatever its walls do. `nil` where nobody knows.
    var rules: FileRules? = .permissive
    /// celld's number of it.
    nonisolated let number: UInt32
    nonisolated let stream: SocketStream
    var keeper: SessionKeeper?
    var isBehind = false
    private let onGone: @Sendable () -> Void

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    init(
        _ report: WallReport, _ kind: Kind, _ number: UInt32, over stream: SocketStream, on loop: EventLoop,
        onGone: @escaping @Sendable () -> Void
    ) {
        (self.report, self.kind, self.loop, self.onGone) = (report, kind, loop, onGone)
        (self.number, self.stream) = (number, stream)
        // Before the first of its output can come.
        if kind == .command { mailboxes[Self.command] = Mailbox() }
    }

    func start() throws(SystemError) {
        var limits = StreamConnection.Limits()
        // A cell reads at once, whatever its programs do; one that does not has something wrong with it.
        limits.mostBacklog = 2 * CellFrame.longestPayload
        connection = try StreamConnection(
            stream, on: loop, limits: limits,
            StreamConnection.Handlers(
                onBytes: { [unowned self] in receive($0) },
                onFinish: { [unowned self] in end(because: hasEnded) },
                onDrain: {},
                onTaken: { [unowned self] in noteBacklog() },
                onEnd: { [unowned self] in end(because: "the cell is lost: \($0)") }))
    }

    package func close() {
        guard connection != nil else { return }
        end(because: "the session has ended, and all that it started with it")
    }

    private var hasEnded: String { kind == .cell ? Self.cellHasEnded : Self.commandHasEnded }

    private static let commandHasEnded = """
        the command was ended from outside: somebody ended the process that runs it, or the machine ran out of memory.
        """

    private static let cellHasEnded = """
        the cell has ended: a program of it ended the process that starts programs, or the machine ran out of \
        memory. The next call gets a new one, with the same workspace.
        """

    // MARK: Calls

    package func perform(_ request: FileRequest) async throws(CellFailure) -> FileResult {
        try await perform(request, under: .permissive)
    }

    /// The rules are for this request, whatever comes before and behind it.
    package func perform(
        _ request: FileRequest, under rules: FileRules, _ stage: CallStage = CallStage()
    ) async throws(CellFailure) -> FileResult {
        let frame = try await finish(stage) { () throws(CellFailure) in
            if rules != self.rules {
                send(CellFrame(.fileRules, call: 0, rules.encoded).encoded)
                self.rules = rules
            }
            return try begin(.fileRequest, request.encoded)
        } onOutput: { _ in
        }
        return try result(of: frame, .fileResult) { (payload) throws(CodingFault) in
            try FileResult(decoding: payload)
        }
    }

    package func perform(
        _ request: ProgramRequest, onOutput: @escaping @Sendable (ProgramOutput) async -> Void
    ) async throws(CellFailure) -> ProgramResult {
        try await perform(request, CallStage(), onOutput: onOutput)
    }

    package func perform(
        _ request: ProgramRequest, _ stage: CallStage,
        onOutput: @escaping @Sendable (ProgramOutput) async -> Void
    ) async throws(CellFailure) -> ProgramResult {
        let frame = try await finish(
            stage, begin: { () throws(CellFailure) in try begin(.programRequest, request.encoded) },
            onOutput: onOutput)
        return try programResult(of: frame)
    }

    /// The end of the command that this is.
    func followCommand(
        _ stage: CallStage = CallStage(),
        onOutput: @escaping @Sendable (ProgramOutput) async -> Void
    ) async throws(CellFailure) -> ProgramEnd {
        let frame = try await finish(stage, begin: { Self.command }, onOutput: onOutput)
        guard case .ended(let end) = try programResult(of: frame) else {
            throw CellFailure(.other, "the command's end was not reported")
        }
        return end
    }

    private func programResult(of frame: CellFrame) throws(CellFailure) -> ProgramResult {
        try result(of: frame, .programResult) { (payload) throws(CodingFault) in
            try ProgramResult(decoding: payload)
        }
    }

    /// A cell that answers nonsense is, whatever it is now, not what celld started.
    private func result<Result>(
        of frame: CellFrame, _ kind: CellFrame.Kind,
        _ decode: (ArraySlice<UInt8>) throws(CodingFault) -> Result
    ) throws(CellFailure) -> Result {
        let failure: CellFailure
        do throws(CodingFault) {
            if frame.kind == kind { return try decode(frame.payload[...]) }
            guard frame.kind == .failure else {
                throw CodingFault(field: "kind", problem: "that was not asked for")
            }
            failure = try CellFailure(decoding: frame.payload[...])
        } catch {
            let reason = Self.nonsense(error)
            end(because: reason)
            throw CellFailure(.other, reason)
        }
        throw failure
    }

    private static func nonsense(_ fault: CodingFault) -> String {
        "the cell does not keep to its protocol (\(fault))"
    }

    /// How a request ends: one that is begun now, or was before.
    private func finish(
        _ stage: CallStage, begin: () throws(CellFailure) -> UInt32,
        onOutput: @Sendable (ProgramOutput) async -> Void
    ) async throws(CellFailure) -> CellFrame {
        if let answer = stage.takeAnswer() { return answer }
        let call: UInt32
        if let job = try stage.takeJob(in: number) {
            call = job
        } else {
            call = try begin()
            stage.began(call)
        }
        while true {
            switch await next(call) {
            case .frame(let frame) where frame.kind == .output || frame.kind == .errorOutput:
                stage.saw(frame)
                await onOutput(
                    ProgramOutput(isError: frame.kind == .errorOutput, bytes: frame.payload))
            case .frame(let frame):
                stage.ended(with: frame)
                return frame
            case .failure(let failure):
                stage.ended(with: nil)
                throw failure
            }
        }
    }

    private func begin(_ kind: CellFrame.Kind, _ payload: [UInt8]) throws(CellFailure) -> UInt32 {
        guard connection != nil else { throw CellFailure(.other, hasEnded) }
        guard payload.count <= CellFrame.longestPayload else {
            throw CellFailure(.tooLarge, "the request of \(payload.count) bytes is too large")
        }
        lastCall += 1
        mailboxes[lastCall] = Mailbox()
        send(CellFrame(kind, call: lastCall, payload).encoded)
        return lastCall
    }

    func send(_ bytes: [UInt8]) {
        connection?.send(bytes)
        noteBacklog()
    }

    /// The next letter of a call. The last one takes the mailbox with it.
    private func next(_ call: UInt32) async -> Letter {
        let letter = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    cancel(call)
                    continuation.resume(returning: Self.cancelled)
                } else if mailboxes[call]?.letters.isEmpty == false {
                    continuation.resume(returning: mailboxes[call]!.letters.removeFirst())
                } else if mailboxes[call] != nil {
                    mailboxes[call]?.waiter = continuation
                } else {
                    continuation.resume(returning: .failure(CellFailure(.other, hasEnded)))
                }
            }
        } onCancel: {
            loop.spawn { await self.cancel(call) }
        }
        if case .frame(let frame) = letter, frame.kind == .output || frame.kind == .errorOutput {
            return letter
        }
        mailboxes[call] = nil
        return letter
    }

    private static let cancelled = Letter.failure(CellFailure(.cancelled, "cancelled"))

    /// The call ends now; what it started in the cell is ended there.
    private func cancel(_ call: UInt32) {
        guard let mailbox = mailboxes.removeValue(forKey: call) else { return }
        if kind == .cell { send(CellFrame(.cancel, call: call).encoded) } else { close() }
        mailbox.waiter?.resume(returning: Self.cancelled)
    }

    // MARK: In

    private func receive(_ bytes: Span<UInt8>) {
        reader.append(bytes)
        takeFrames()
        keeper?.writeCellInput(reader.held, new: bytes.count) { reader.heldBytes($0) }
    }

    func takeFrames() {
        do throws(CodingFault) {
            while let frame = try reader.next() { try handle(frame) }
        } catch {
            end(because: Self.nonsense(error))
        }
    }

    private func handle(_ frame: CellFrame) throws(CodingFault) {
        switch frame.kind {
        case .output, .errorOutput, .fileResult, .programResult, .failure:
            deliver(.frame(frame), to: frame.call)
        case .fileRequest, .programRequest, .cancel, .fileRules:
            throw CodingFault(field: "kind", problem: "a cell asks for nothing")
        }
    }

    private func deliver(_ letter: Letter, to call: UInt32) {
        guard mailboxes[call] != nil else { return }
        if let waiter = mailboxes[call]?.waiter {
            mailboxes[call]?.waiter = nil
            waiter.resume(returning: letter)
        } else {
            mailboxes[call]?.letters.append(letter)
        }
    }

    private func end(because reason: String) {
        guard let open = connection else { return }
        connection = nil
        open.close()
        for call in mailboxes.keys { deliver(.failure(CellFailure(.other, reason)), to: call) }
        onGone()
    }
}
