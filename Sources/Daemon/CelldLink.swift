// cloisterd's side of celld: asks who a client is and for its cell, and hands out the cells that stand.
//
// In standalone mode celld is our own child, started when the first cell is wanted and again when it has ended;
// under systemd it is reached through its socket. When it is lost, so are all its cells: they end by
// themselves, and what waits for one is refused.

import Cells
import EventLoop
import Linux

package actor CelldLink {
    package enum Way: Sendable {
        case socket(String)
        /// The program beside ours, with these arguments; the number of its connected socket follows them.
        case child([String])
    }

    private nonisolated let loop: EventLoop
    private let way: Way
    /// Which unit an administrator starts.
    private let unit: String
    private let log: Log
    private var link: PacketLink?
    private var child: ChildProcess?
    private var lastRequest: UInt32 = 0
    private var waiting: [UInt32: PendingAnswer] = [:]
    private var standing: Set<UInt32> = []
    private var keptIn: (store: DescriptorStore, name: String)?

    /// What celld is to say to a request, and who waits for that: either may come first.
    private struct PendingAnswer {
        var answer: Result<Answer, CellRefusal>?
        var waiter: CheckedContinuation<Result<Answer, CellRefusal>, Never>?
    }

    private enum Answer: Sendable {
        /// A cell that stands, on its way to whoever asked for it.
        case built(WallReport, SocketStream)
        case identified(ClientIdentity)
        case met(ClientIdentity, SocketStream)
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    package init(_ way: Way, unit: String = "cloister-celld.socket", on loop: EventLoop, log: Log) {
        (self.way, self.unit, self.loop, self.log) = (way, unit, loop, log)
    }

    /// A cell for whoever is at the other end of this socket.
    package func build(
        _ plan: CellPlan, for client: SocketStream, onGone: @escaping @Sendable () -> Void
    ) async throws(CellRefusal) -> Cell {
        let number = nextRequest()
        guard
            case .built(let report, let socket) = try await ask(
                .build(cell: number, plan), number, about: client)
        else { throw Self.nonsense }
        let cell = try await attend(
            Cell(report, .cell, number, over: socket, on: loop, onGone: goodbye(number, onGone)))
        for gap in report.gaps {
            log.warning("a cell lacks its wall \(gap.wall.rawValue): \(gap.reason)")
        }
        return cell
    }

    /// Asks for a command that runs outside of any cell. Under this number it is to be had.
    func request(
        _ command: HostCommand, reading input: [UInt8], for client: SocketStream
    ) throws(CellRefusal) -> UInt32 {
        let number = nextRequest()
        var command = command
        var file: OwnedFD?
        do throws(SystemError) {
            if !input.isEmpty { file = try MemoryFile.sealed("input", input) }
        } catch {
            throw CellRefusal("what the command shall read cannot be kept: \(error)", remedy: "free memory")
        }
        command.hasInput = file != nil
        let link = try connect()
        try send(.run(command: number, command), over: link, about: client, with: file)
        waiting[number] = PendingAnswer()
        return number
    }

    /// The command that was asked for, when it runs. Whoever does not wait any more takes it back.
    func command(_ number: UInt32) async throws(CellRefusal) -> Cell {
        let answer = await withTaskCancellationHandler {
            await self.answer(to: number)
        } onCancel: {
            loop.spawn { await self.cancelled(number) }
        }
        guard case .built(let report, let socket) = try answer.get() else { throw Self.nonsense }
        return try await attend(
            Cell(report, .command, number, over: socket, on: loop, onGone: goodbye(number)))
    }

    private func cancelled(_ number: UInt32) {
        if waiting[number] != nil { takeBack(number) }
    }

    /// What was asked for is not wanted any more, whoever asked.
    func takeBack(_ number: UInt32) {
        try? link?.send(CelldRequest.end(cell: number).encoded)
        waiting.removeValue(forKey: number)?.waiter?.resume(
            returning: .failure(CellRefusal("it is not wanted any more", remedy: "ask again")))
    }

    private func answer(to number: UInt32) async -> Result<Answer, CellRefusal> {
        if let answer = waiting[number]?.answer {
            waiting[number] = nil
            return answer
        }
        return await withCheckedContinuation { waiting[number, default: PendingAnswer()].waiter = $0 }
    }

    private func answer(_ number: UInt32, with answer: Result<Answer, CellRefusal>) {
        guard let pending = waiting[number] else {
            // What came too late to be taken back ends now.
            if case .success(.built) = answer { try? link?.send(CelldRequest.end(cell: number).encoded) }
            return
        }
        if let waiter = pending.waiter {
            waiting[number] = nil
            waiter.resume(returning: answer)
        } else {
            waiting[number]?.answer = answer
        }
    }

    private func goodbye(
        _ number: UInt32, _ onGone: @escaping @Sendable () -> Void = {}
    ) -> @Sendable () -> Void {
        { [weak self] in
            onGone()
            self?.assumeIsolated { $0.end(number) }
        }
    }

    private func attend(_ cell: Cell) async throws(CellRefusal) -> Cell {
        standing.insert(cell.number)
        do throws(SystemError) {
            try await cell.start()
            return cell
        } catch {
            end(cell.number)
            throw CellRefusal("it cannot be watched: \(error)", remedy: Self.remedy)
        }
    }

    /// What the process at the other end of this socket is.
    package func identify(_ client: SocketStream) async throws(CellRefusal) -> ClientIdentity {
        let number = nextRequest()
        guard
            case .identified(let identity) = try await ask(
                .identify(client: number), number, about: client)
        else { throw Self.nonsense }
        return identity
    }

    /// Who that is on the system bus, and by what celld knows them again.
    package func meet(_ name: String) async throws(CellRefusal) -> (ClientIdentity, SocketStream) {
        let number = nextRequest()
        let link = try connect()
        do throws(SystemError) {
            try link.send(CelldRequest.meet(client: number, name: name).encoded)
        } catch {
            throw CellRefusal("celld cannot be asked: \(error)", remedy: Self.remedy)
        }
        let answer = try await answer(to: number).get()
        guard case .met(let identity, let voucher) = answer else { throw Self.nonsense }
        return (identity, voucher)
    }

    /// Cells of a process before us have their numbers still.
    private func nextRequest() -> UInt32 {
        repeat { lastRequest &+= 1 } while standing.contains(lastRequest) || waiting[lastRequest] != nil
        return lastRequest
    }

    private func ask(
        _ request: CelldRequest, _ number: UInt32, about client: SocketStream
    ) async throws(CellRefusal) -> Answer {
        let link = try connect()
        try send(request, over: link, about: client, with: nil)
        return try await answer(to: number).get()
    }

    private func send(
        _ request: CelldRequest, over link: PacketLink, about client: SocketStream,
        with file: borrowing OwnedFD?
    ) throws(CellRefusal) {
        do throws(SystemError) {
            var passed = DescriptorTable()
            try client.pass(into: &passed)
            if file != nil { try passed.add(file!) }
            try link.send(request.encoded, passing: passed)
        } catch {
            throw CellRefusal("celld cannot be asked: \(error)", remedy: Self.remedy)
        }
    }

    private static let nonsense = CellRefusal("celld answers something else than was asked", remedy: remedy)

    private static let remedy = "look at the log of cloister-celld"

    /// A cell whose socket we closed ends by itself; one that does not is ended by celld.
    private func end(_ number: UInt32) {
        guard standing.contains(number) else { return }
        _ = loop.schedule(after: .seconds(1)) { [weak self] in
            self?.assumeIsolated { celld in
                guard celld.standing.remove(number) != nil else { return }
                try? celld.link?.send(CelldRequest.end(cell: number).encoded)
            }
        }
    }

    // MARK: The connection

    private func connect() throws(CellRefusal) -> PacketLink {
        if let link { return link }
        do throws(SystemError) {
            let socket: OwnedFD
            switch way {
            case .socket(let path): socket = try UnixSocket.connect(to: path, .packet)
            case .child(let arguments): socket = try startChild(arguments)
            }
            if let (store, name) = keptIn {
                var table = DescriptorTable()
                try table.add(socket)
                _ = store.keep(table, as: name)
            }
            return try open(socket)
        } catch {
            throw CellRefusal(
                "cloister-celld is not there (\(error))",
                remedy: "start it (systemctl start \(unit)), and look at its log")
        }
    }

    private func open(_ socket: consuming OwnedFD) throws(SystemError) -> PacketLink {
        let made = PacketLink(socket, on: loop)
        try made.start(
            onMessage: { [unowned self] in receive($0) }, onEnd: { [unowned self] in lost($0) })
        link = made
        return made
    }

    // MARK: In another process

    /// The connection outlives this process, and with it all that celld has built for it.
    package func keep(in store: DescriptorStore, as name: String) { keptIn = (store, name) }

    /// The connection of a process before us. What it waited for, nobody waits for any more.
    package func adopt(_ socket: KeptDescriptors.Descriptor) throws(SystemError) {
        lastRequest = .random(in: 0 ... .max)
        _ = try open(try socket.fd.duplicate())
    }

    /// A command that it has asked for: false when that cannot be had.
    func expect(_ number: UInt32) -> Bool {
        guard link != nil else { return false }
        waiting[number] = PendingAnswer()
        return true
    }

    /// What celld says from here on is for the next process. It can still be told something.
    package func pause() { link?.pause() }

    /// A cell that was built for it, or a command that it ran.
    func adopt(
        _ kind: Cell.Kind, _ number: UInt32, _ report: WallReport, over socket: SocketStream,
        onGone: @escaping @Sendable () -> Void = {}
    ) throws(SystemError) -> Cell {
        let cell = Cell(report, kind, number, over: socket, on: loop, onGone: goodbye(number, onGone))
        do {
            try cell.assumeIsolated { try $0.start() }
        } catch {
            throw error as? SystemError ?? SystemError("start", .invalid)
        }
        standing.insert(number)
        return cell
    }

    private func startChild(_ arguments: [String]) throws(SystemError) -> OwnedFD {
        let pair = try UnixSocket.pair(.packet)
        let program = try Process.companion("cloister-celld")
        let command = [program] + arguments + ["--connection", "3"]
        let pidfd = try Spawn.start(command, passing: pair.other, as: 3)
        child = try ChildProcess(pidfd, on: loop) { [weak self] status in
            self?.assumeIsolated { celld in
                celld.log.info("cloister-celld has ended: \(status.map { "\($0)" } ?? "unknown")")
            }
        }
        return pair.keepOne()
    }

    private func receive(_ message: UnixSocket.ReceivedMessage) {
        do throws(CodingFault) {
            switch try CelldReply(decoding: message.bytes) {
            case .refused(let cell, let refusal):
                answer(cell, with: .failure(refusal))
            case .gone(let cell):
                standing.remove(cell)
            case .built(let cell, let report):
                answer(cell, with: take(message, report))
            case .identified(let client, let identity):
                answer(client, with: .success(.identified(identity)))
            case .met(let client, let identity):
                let answer: Result<Answer, CellRefusal> =
                    if let voucher = message.takeDescriptor() {
                        .success(.met(identity, SocketStream(voucher, on: loop)))
                    } else {
                        .failure(CellRefusal("celld sent no voucher", remedy: Self.remedy))
                    }
                self.answer(client, with: answer)
            }
        } catch {
            link?.close()
            lost("it does not keep to its protocol (\(error))")
        }
    }

    private func take(
        _ message: UnixSocket.ReceivedMessage, _ report: WallReport
    ) -> Result<Answer, CellRefusal> {
        // The first is the process; what we do with a cell is done through its socket.
        guard message.takeDescriptor() != nil, let socket = message.takeDescriptor() else {
            return .failure(CellRefusal("celld sent no socket", remedy: Self.remedy))
        }
        return .success(.built(report, SocketStream(socket, on: loop)))
    }

    private func lost(_ reason: String) {
        link = nil
        child = nil
        standing = []
        if let (store, name) = keptIn { store.drop(name) }
        log.warning("cloister-celld is lost: \(reason)")
        for number in waiting.keys {
            answer(
                number,
                with: .failure(CellRefusal("cloister-celld is lost: \(reason)", remedy: Self.remedy)))
        }
    }

    package func close() {
        link?.close()
        link = nil
    }
}

/// A connected socket of packets on the loop.
// Unchecked: touched on the loop's thread only.
private final class PacketLink: @unchecked Sendable {
    private var socket: OwnedFD?
    private let loop: EventLoop
    private var watch: EventLoop.Watch?
    private var onEnd: ((String) -> Void)?

    init(_ socket: consuming OwnedFD, on loop: EventLoop) {
        self.socket = consume socket
        self.loop = loop
    }

    func start(
        onMessage: @escaping (UnixSocket.ReceivedMessage) -> Void, onEnd: @escaping (String) -> Void
    ) throws(SystemError) {
        guard socket != nil else { return }
        self.onEnd = onEnd
        watch = try loop.watch(socket!, .read) { [weak self] _ in self?.receive(onMessage) }
    }

    private func receive(_ onMessage: (UnixSocket.ReceivedMessage) -> Void) {
        guard socket != nil else { return }
        do throws(SystemError) {
            guard let message = try UnixSocket.receive(socket!, atMost: longestCelldMessage) else { return }
            if message.bytes.isEmpty { end("it has ended") } else { onMessage(message) }
        } catch {
            end("\(error)")
        }
    }

    private func end(_ reason: String) {
        let onEnd = onEnd
        close()
        onEnd?(reason)
    }

    func send(
        _ bytes: [UInt8], passing fds: borrowing DescriptorTable = DescriptorTable()
    ) throws(SystemError) {
        guard socket != nil else { throw SystemError("sendmsg", .brokenPipe) }
        guard try UnixSocket.send(socket!, bytes, passing: fds) != nil else {
            throw SystemError("sendmsg", .wouldBlock)
        }
    }

    /// Nothing more is read.
    func pause() {
        guard socket != nil, let watch else { return }
        loop.unwatch(watch, of: socket!)
        self.watch = nil
    }

    func close() {
        onEnd = nil
        guard let open = socket.take() else { return }
        if let watch { loop.unwatch(watch, of: open) }
        watch = nil
    }
}
