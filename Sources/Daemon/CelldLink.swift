// cloisterd's side of celld: asks for cells, and hands out those that stand.
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
    private let log: Log
    private var link: PacketLink?
    private var child: ChildProcess?
    private var lastCell: UInt32 = 0
    private var waiting: [UInt32: CheckedContinuation<Result<Built, CellRefusal>, Never>] = [:]
    private var standing: Set<UInt32> = []

    /// A cell that stands, on its way to whoever asked for it.
    private struct Built: Sendable {
        let report: WallReport
        let socket: SocketStream
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    package init(_ way: Way, on loop: EventLoop, log: Log) {
        (self.way, self.loop, self.log) = (way, loop, log)
    }

    /// A cell for whoever is at the other end of this socket.
    package func build(
        _ plan: CellPlan, for client: SocketStream, onGone: @escaping @Sendable () -> Void
    ) async throws(CellRefusal) -> Cell {
        let link = try connect()
        lastCell += 1
        let number = lastCell
        do throws(SystemError) {
            try link.send(CelldRequest.build(cell: number, plan).encoded, passing: client)
        } catch {
            throw CellRefusal("celld cannot be asked: \(error)", remedy: Self.remedy)
        }
        let built = try await withCheckedContinuation { waiting[number] = $0 }.get()
        standing.insert(number)
        let cell = Cell(built.report, on: loop) { [weak self] in
            onGone()
            self?.assumeIsolated { $0.end(number) }
        }
        do throws(SystemError) {
            try await cell.start(over: built.socket)
        } catch {
            end(number)
            throw CellRefusal("the cell cannot be watched: \(error)", remedy: Self.remedy)
        }
        for gap in built.report.gaps {
            log.warning("a cell lacks its wall \(gap.wall.rawValue): \(gap.reason)")
        }
        return cell
    }

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
            return try open(socket)
        } catch {
            throw CellRefusal(
                "cloister-celld is not there (\(error))",
                remedy: "start it (systemctl start cloister-celld.socket), and look at its log")
        }
    }

    private func open(_ socket: consuming OwnedFD) throws(SystemError) -> PacketLink {
        let made = PacketLink(socket, on: loop)
        try made.start(
            onMessage: { [unowned self] in receive($0) }, onEnd: { [unowned self] in lost($0) })
        link = made
        return made
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
                waiting.removeValue(forKey: cell)?.resume(returning: .failure(refusal))
            case .gone(let cell):
                standing.remove(cell)
            case .built(let cell, let report):
                guard let waiter = waiting.removeValue(forKey: cell) else { return }
                waiter.resume(returning: take(message, report))
            }
        } catch {
            link?.close()
            lost("it does not keep to its protocol (\(error))")
        }
    }

    private func take(
        _ message: UnixSocket.ReceivedMessage, _ report: WallReport
    ) -> Result<Built, CellRefusal> {
        // The first is the process; what we do with a cell is done through its socket.
        guard message.takeDescriptor() != nil, let socket = message.takeDescriptor() else {
            return .failure(CellRefusal("celld sent no socket", remedy: Self.remedy))
        }
        return .success(Built(report: report, socket: SocketStream(socket, on: loop)))
    }

    private func lost(_ reason: String) {
        link = nil
        child = nil
        standing = []
        let refused = waiting
        waiting = [:]
        log.warning("cloister-celld is lost: \(reason)")
        for waiter in refused.values {
            waiter.resume(
                returning: .failure(CellRefusal("cloister-celld is lost: \(reason)", remedy: Self.remedy)))
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

    func send(_ bytes: [UInt8], passing client: SocketStream? = nil) throws(SystemError) {
        guard socket != nil else { throw SystemError("sendmsg", .brokenPipe) }
        var fds = DescriptorTable()
        if let client { try client.pass(into: &fds) }
        guard try UnixSocket.send(socket!, bytes, passing: fds) != nil else {
            throw SystemError("sendmsg", .wouldBlock)
        }
    }

    func close() {
        onEnd = nil
        guard let open = socket.take() else { return }
        if let watch { loop.unwatch(watch, of: open) }
        watch = nil
    }
}
