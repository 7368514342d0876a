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
    private enum Letter: Sendable {
        case output(ProgramOutput)
        case fileResult(FileResult)
        case programResult(ProgramResult)
        case failure(CellFailure)
    }

    /// What has come for a call, and who waits for more.
    private struct Mailbox {
        var letters: [Letter] = []
        var waiter: CheckedContinuation<Letter, Never>?
    }

    enum Kind: Sendable { case cell, command }

    /// What the process that runs a command calls its one call.
    private static let command: UInt32 = 1

    package nonisolated let report: WallReport
    private let kind: Kind
    private nonisolated let loop: EventLoop
    private var connection: StreamConnection?
    private var reader = CellFrameReader()
    private var mailboxes: [UInt32: Mailbox] = [:]
    private var lastCall: UInt32 = 0
    /// What it was told last; a cell that was told nothing allows whatever its walls do.
    private var rules = FileRules.permissive
    private let onGone: @Sendable () -> Void

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    init(_ report: WallReport, _ kind: Kind, on loop: EventLoop, onGone: @escaping @Sendable () -> Void) {
        (self.report, self.kind, self.loop, self.onGone) = (report, kind, loop, onGone)
        // Before the first of its output can come.
        if kind == .command { mailboxes[Self.command] = Mailbox() }
    }

    func start(over stream: any ByteStream) throws(SystemError) {
        var limits = StreamConnection.Limits()
        // A cell reads at once, whatever its programs do; one that does not has something wrong with it.
        limits.mostBacklog = 2 * CellFrame.longestPayload
        connection = try StreamConnection(
            stream, on: loop, limits: limits,
            StreamConnection.Handlers(
                onBytes: { [unowned self] in receive($0) },
                onFinish: { [unowned self] in end(because: hasEnded) },
                onDrain: {},
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
        _ request: FileRequest, under rules: FileRules
    ) async throws(CellFailure) -> FileResult {
        if rules != self.rules {
            connection?.send(CellFrame(.fileRules, call: 0, rules.encoded).encoded)
            self.rules = rules
        }
        let call = try begin(.fileRequest, request.encoded)
        while true {
            switch await next(call) {
            case .fileResult(let result): return result
            case .failure(let failure): throw failure
            case .output, .programResult: continue
            }
        }
    }

    package func perform(
        _ request: ProgramRequest, onOutput: @escaping @Sendable (ProgramOutput) async -> Void
    ) async throws(CellFailure) -> ProgramResult {
        try await follow(begin(.programRequest, request.encoded), onOutput)
    }

    /// The end of the command that this is.
    func followCommand(
        onOutput: @escaping @Sendable (ProgramOutput) async -> Void
    ) async throws(CellFailure) -> ProgramEnd {
        guard case .ended(let end) = try await follow(Self.command, onOutput) else {
            throw CellFailure(.other, "the command's end was not reported")
        }
        return end
    }

    private func follow(
        _ call: UInt32, _ onOutput: @escaping @Sendable (ProgramOutput) async -> Void
    ) async throws(CellFailure) -> ProgramResult {
        while true {
            switch await next(call) {
            case .programResult(let result): return result
            case .failure(let failure): throw failure
            case .output(let output): await onOutput(output)
            case .fileResult: continue
            }
        }
    }

    private func begin(_ kind: CellFrame.Kind, _ payload: [UInt8]) throws(CellFailure) -> UInt32 {
        guard let connection else { throw CellFailure(.other, hasEnded) }
        guard payload.count <= CellFrame.longestPayload else {
            throw CellFailure(.tooLarge, "the request of \(payload.count) bytes is too large")
        }
        lastCall += 1
        mailboxes[lastCall] = Mailbox()
        connection.send(CellFrame(kind, call: lastCall, payload).encoded)
        return lastCall
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
        if case .output = letter { return letter }
        mailboxes[call] = nil
        return letter
    }

    private static let cancelled = Letter.failure(CellFailure(.cancelled, "cancelled"))

    /// The call ends now; what it started in the cell is ended there.
    private func cancel(_ call: UInt32) {
        guard let mailbox = mailboxes.removeValue(forKey: call) else { return }
        if kind == .cell { connection?.send(CellFrame(.cancel, call: call).encoded) } else { close() }
        mailbox.waiter?.resume(returning: Self.cancelled)
    }

    // MARK: In

    private func receive(_ bytes: Span<UInt8>) {
        reader.append(bytes)
        do throws(CodingFault) {
            while let frame = try reader.next() { try handle(frame) }
        } catch {
            // Whatever it is now, it is not what celld started.
            end(because: "the cell does not keep to its protocol (\(error))")
        }
    }

    private func handle(_ frame: CellFrame) throws(CodingFault) {
        let payload = frame.payload[...]
        let letter: Letter =
            switch frame.kind {
            case .output: .output(ProgramOutput(isError: false, bytes: frame.payload))
            case .errorOutput: .output(ProgramOutput(isError: true, bytes: frame.payload))
            case .fileResult: .fileResult(try FileResult(decoding: payload))
            case .programResult: .programResult(try ProgramResult(decoding: payload))
            case .failure: .failure(try CellFailure(decoding: payload))
            case .fileRequest, .programRequest, .cancel, .fileRules:
                throw CodingFault(field: "kind", problem: "a cell asks for nothing")
            }
        deliver(letter, to: frame.call)
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
