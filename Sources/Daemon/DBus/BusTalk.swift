// A session of somebody who calls methods instead of holding a socket: the same session as everybody's, at the other
// end of a stream in memory, and here what a client does there. One request of the bus is one line.
//
// Invariants: a request ends once, with its answer, with its caller or with the session. What answers nothing that is
// waited for goes to `onMessage`.

import Bus
import EventLoop
import JSON
import Linux
import MCP

// Unchecked: touched on the loop's thread only.
final class BusTalk: @unchecked Sendable {
    typealias Answer = Result<JSONValue, BusFault>

    /// The number of its session.
    let session: UInt64
    private let loop: EventLoop
    private let onMessage: (JSONValue) -> Void
    private let onEnd: () -> Void
    private var connection: StreamConnection?
    private var framer = LineFramer(limit: 256 << 20)
    private var lastID = 0
    private var waiting: [[UInt8]: CheckedContinuation<Answer, Never>] = [:]

    init(
        session: UInt64, over stream: any ByteStream, on loop: EventLoop,
        onMessage: @escaping (JSONValue) -> Void, onEnd: @escaping () -> Void
    ) throws(SystemError) {
        (self.session, self.loop) = (session, loop)
        (self.onMessage, self.onEnd) = (onMessage, onEnd)
        connection = try StreamConnection(
            stream, on: loop, limits: StreamConnection.Limits(),
            StreamConnection.Handlers(
                onBytes: { [unowned self] in receive($0) }, onFinish: { [unowned self] in end() },
                onDrain: {}, onEnd: { [unowned self] _ in end() }))
    }

    static let over = BusFault(
        name: DBusNames.errors + "SessionEnded", "the session has ended; another call begins a new one")
    static let takenBack = BusFault(name: DBusNames.errors + "Cancelled", "the request was taken back")

    /// Something that nobody answers.
    func say(_ message: JSONValue) throws(BusFault) {
        guard let connection else { throw Self.over }
        let isCancellation = message["method"]?.isString("notifications/cancelled") == true
        connection.send(Self.line(message))
        // What is taken back is never answered.
        if isCancellation, let id = message["params"]?["requestId"] {
            settle(Array(id.bytes), .failure(Self.takenBack))
        }
    }

    /// The answer to a request, whole. Its id is whoever's who wrote it, and nobody else's meanwhile.
    func ask(_ request: JSONValue) async throws(BusFault) -> JSONValue {
        guard let id = request["id"].map({ Array($0.bytes) }) else {
            throw BusFault(.invalidArguments, "a request has an id")
        }
        return try await ask(id, Self.line(request))
    }

    func ask(_ id: [UInt8], _ line: [UInt8]) async throws(BusFault) -> JSONValue {
        guard let connection else { throw Self.over }
        guard waiting[id] == nil else {
            throw BusFault(.invalidArguments, "a request with this id waits for its answer")
        }
        return try await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waiting[id] = continuation
                connection.send(line)
            }
        } onCancel: {
            loop.spawn { self.settle(id, .failure(Self.takenBack)) }
        }.get()
    }

    private static func line(_ message: JSONValue) -> [UInt8] {
        var writer = JSONWriter()
        writer.value(message)
        return writer.finishLine()
    }

    private func settle(_ id: [UInt8], _ answer: Answer) {
        waiting.removeValue(forKey: id)?.resume(returning: answer)
    }

    private func receive(_ bytes: Span<UInt8>) {
        framer.append(bytes)
        while case .line(let line) = framer.next() {
            guard let message = try? JSONDocument(line, limits: Self.limits).root else { continue }
            let id = message["id"].map { Array($0.bytes) }
            if message["method"] == nil, let id, waiting[id] != nil {
                settle(id, .success(message))
            } else {
                onMessage(message)
            }
        }
    }

    /// For a session whose requests are all ours.
    func nextID() -> Int {
        lastID += 1
        return lastID
    }

    static let limits: JSONLimits = {
        var limits = JSONLimits.standard
        limits.bytes = 256 << 20
        return limits
    }()

    private func end() {
        guard connection != nil else { return }
        close()
        onEnd()
    }

    func close() {
        connection?.close()
        connection = nil
        for id in waiting.keys { settle(id, .failure(Self.over)) }
    }
}
