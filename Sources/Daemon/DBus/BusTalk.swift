// A session of somebody who calls methods instead of holding a socket: the same session as everybody's, and here what a
// client does at the other end of its stream. One request of the bus is one line.
//
//   ask ─▶ what is to be read ─▶ session ─▶ write ─▶ whoever waits for this id
//                                                └─▶ onMessage, where nobody does
//
// Invariants: a request ends once, with its answer or with the session, which ends with its caller. The session writes whole into
// memory, for each line goes to where it belongs at once.

import Bus
import EventLoop
import JSON
import Linux
import MCP

// Unchecked: touched on the loop's thread only.
final class BusTalk: @unchecked Sendable {
    private typealias Outcome = Result<ResponseLine, BusFault>

    private let loop: EventLoop
    private let lineLimit: Int
    private let onMessage: (JSONValue) -> Void
    private let onEnd: () -> Void
    private var lastID = 0
    private var waiting: [RequestID: CheckedContinuation<Outcome, Never>] = [:]

    /// What the session has not read yet, and what of it was read.
    private var requests: [UInt8] = []
    private var taken = 0
    private var framer = LineFramer(limit: longestAnswer)
    private var interest: Epoll.Interest = []
    private var watcher: EventLoop.Watcher?
    private var isNotifying = false
    private var isOver = false

    /// `lineLimit`: what its session reads at most.
    init(
        on loop: EventLoop, lineLimit: Int, onMessage: @escaping (JSONValue) -> Void,
        onEnd: @escaping () -> Void
    ) {
        (self.loop, self.lineLimit) = (loop, lineLimit)
        (self.onMessage, self.onEnd) = (onMessage, onEnd)
    }

    static let over = BusFault(
        name: DBusNames.errors + "SessionEnded", "the session has ended; another call begins a new one")
    static let takenBack = BusFault(name: DBusNames.errors + "Cancelled", "the request was taken back")

    // MARK: The client's side

    /// Something that nobody answers.
    func say(_ message: JSONValue) throws(BusFault) {
        let line = Self.line(message)
        try check(line)
        let isCancellation = message["method"]?.isString("notifications/cancelled") == true
        send(line)
        // What is taken back is never answered.
        if isCancellation, let id = message["params"]?["requestId"].flatMap(RequestID.init) {
            settle(id, .failure(Self.takenBack))
        }
    }

    /// The answer to a request, whole. Its id is whoever's who wrote it, and nobody else's meanwhile.
    func ask(_ request: JSONValue) async throws(BusFault) -> ResponseLine {
        guard let id = request["id"].flatMap(RequestID.init) else {
            throw BusFault(.invalidArguments, "a request's id is a string or an integer")
        }
        return try await ask(id, Self.line(request))
    }

    func ask(_ id: RequestID, _ line: [UInt8]) async throws(BusFault) -> ResponseLine {
        try check(line)
        guard waiting[id] == nil else {
            throw BusFault(.invalidArguments, "a request with this id waits for its answer")
        }
        return try await withCheckedContinuation { continuation in
            waiting[id] = continuation
            send(line)
        }.get()
    }

    /// For a session whose requests are all ours.
    func nextID() -> RequestID {
        lastID += 1
        return RequestID(lastID)
    }

    /// Nobody is there any more who would ask. The session finds out as it does of a socket.
    func leave() {
        isOver = true
        for id in waiting.keys { settle(id, .failure(Self.over)) }
        notify()
    }

    private static func line(_ message: JSONValue) -> [UInt8] {
        var writer = JSONWriter()
        writer.value(message)
        return writer.finishLine()
    }

    /// What the session would not read it would answer under no id, and somebody would wait without end.
    private func check(_ line: [UInt8]) throws(BusFault) {
        guard !isOver else { throw Self.over }
        // But for its end.
        guard line.count - 1 <= lineLimit else {
            throw BusFault(
                .limitsExceeded, "the request has \(line.count - 1) bytes, and \(lineLimit) are the most")
        }
    }

    private func send(_ line: [UInt8]) {
        requests += line
        notify()
    }

    private func settle(_ id: RequestID, _ outcome: Outcome) {
        waiting.removeValue(forKey: id)?.resume(returning: outcome)
    }

    private func receive(_ line: [UInt8]) {
        if let response = ResponseLine(line), let id = response.requestID,
            let waiter = waiting.removeValue(forKey: id)
        {
            waiter.resume(returning: .success(response))
        } else if let message = Self.json(line[...]) {
            onMessage(message)
        }
    }

    /// Of what the session has written, however long.
    static func json(_ text: ArraySlice<UInt8>) -> JSONValue? {
        var limits = JSONLimits.standard
        limits.bytes = longestAnswer
        return try? JSONDocument(Array(text), limits: limits).root
    }

    private static let longestAnswer = 256 << 20
}

/// The session's side.
extension BusTalk: ByteStream {
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int? {
        guard taken < requests.count else { return isOver ? 0 : nil }
        let count = min(buffer.count, requests.count - taken)
        unsafe buffer.copyBytes(from: requests[taken..<taken + count])
        taken += count
        if taken == requests.count {
            requests.removeAll(keepingCapacity: requests.capacity <= 4096)
            taken = 0
        }
        return count
    }

    func write(_ bytes: Span<UInt8>) throws(SystemError) -> Int? {
        guard !isOver else { throw SystemError("send", .brokenPipe) }
        framer.append(bytes)
        while case .line(let line) = framer.next() { receive(line) }
        return bytes.count
    }

    func start(_ interest: Epoll.Interest, _ watcher: @escaping EventLoop.Watcher) {
        self.watcher = watcher
        setInterest(interest)
    }

    func setInterest(_ interest: Epoll.Interest) {
        self.interest = interest
        notify()
    }

    /// It has ended.
    func close() {
        watcher = nil
        guard !isOver else { return }
        leave()
        onEnd()
    }

    private var readiness: Epoll.Readiness? {
        if isOver { return .hangUp }
        if taken < requests.count, interest.contains(.read) { return .read }
        return interest.contains(.write) ? .write : nil
    }

    /// Says so again for as long as it is true.
    private func notify() {
        guard !isNotifying, watcher != nil, readiness != nil else { return }
        isNotifying = true
        loop.soon { [weak self] in
            guard let self else { return }
            isNotifying = false
            guard let readiness else { return }
            watcher?(readiness)
            notify()
        }
    }
}
