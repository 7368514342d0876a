// Sessions of those on the bus. Each has its own, begun when it first needs one, and none outlives its place on the bus.
//
//   OpenSession        a socket of its own each time: full MCP, past the bus
//   Call               one session of lines; what the daemon says by itself comes as Message
//   ListTools, CallTool  one session for each application that the caller says it is, with its handshake done here

import Bus
import EventLoop
import JSON
import Linux
import MCP

// Unchecked: touched on the loop's thread only.
final class BusSessions: @unchecked Sendable {
    /// What the daemon does for them.
    struct Host: Sendable {
        /// Begins a session, and returns its number.
        let open: @Sendable (BusCaller, any ByteStream) async throws(BusFault) -> UInt64
        let close: @Sendable (UInt64) -> Void
        /// What a session reads at most.
        let lineLimit: Int
    }

    enum Kind: Hashable, Sendable {
        case lines
        case tools(claim: String?)
    }

    /// One end of a pair, for whoever called.
    final class Passed: @unchecked Sendable {
        // Unchecked: never changed.
        private let socket: OwnedFD
        init(_ socket: consuming OwnedFD) { self.socket = socket }
        func append(to message: BusMessage) throws(BusError) { try message.append(socket) }
    }

    /// Of one caller.
    private struct Own {
        var sockets: Set<UInt64> = []
        var talks: [Kind: Task<Result<BusTalk, BusFault>, Never>] = [:]
    }

    private static let mostSockets = 64
    private static let mostTalks = 8

    private let bus: BusConnection
    private let loop: EventLoop
    private let host: Host
    private var own: [String: Own] = [:]

    init(_ bus: BusConnection, on loop: EventLoop, _ host: Host) {
        (self.bus, self.loop, self.host) = (bus, loop, host)
    }

    // MARK: Sockets

    func open(for call: BusCall) async throws(BusFault) -> Passed {
        guard own[call.sender, default: Own()].sockets.count < Self.mostSockets else {
            throw BusFault(.limitsExceeded, "a caller has at most \(Self.mostSockets) sessions")
        }
        let (ours, theirs) = try pair()
        let number = try await begin(call, over: ours)
        own[call.sender, default: Own()].sockets.insert(number)
        return theirs
    }

    /// Those that a process before us has begun, by their callers.
    private(set) var adopted: Set<String> = []

    func adopt(_ session: UInt64, of name: String) {
        adopted.insert(name)
        own[name, default: Own()].sockets.insert(session)
    }

    private func pair() throws(BusFault) -> (SocketStream, Passed) {
        do throws(SystemError) {
            let pair = try UnixSocket.pair(.stream)
            let one = try pair.one.duplicate()
            let other = try pair.other.duplicate()
            // As whoever gets it expects of a socket.
            try other.setBlocking(true)
            return (SocketStream(one, on: loop), Passed(other))
        } catch {
            throw BusFault(.failed, "a socket cannot be had: \(error)")
        }
    }

    @discardableResult
    private func begin(_ call: BusCall, over stream: any ByteStream) async throws(BusFault) -> UInt64 {
        guard let caller = call.caller else { throw BusFault(.accessDenied, "nobody knows who calls") }
        let number = try await host.open(caller, stream)
        // It may have left meanwhile; then nobody would end this.
        guard !Task.isCancelled else {
            host.close(number)
            throw BusTalk.takenBack
        }
        return number
    }

    // MARK: Talks

    func talk(of call: BusCall, _ kind: Kind) async throws(BusFault) -> BusTalk {
        let beginning: Task<Result<BusTalk, BusFault>, Never>
        if let begun = own[call.sender]?.talks[kind] {
            beginning = begun
        } else {
            guard own[call.sender, default: Own()].talks.count < Self.mostTalks else {
                throw BusFault(.limitsExceeded, "a caller is at most \(Self.mostTalks) applications")
            }
            beginning = Task(executorPreference: loop) {
                do throws(BusFault) {
                    return .success(try await self.beginTalk(call, kind))
                } catch {
                    return .failure(error)
                }
            }
            own[call.sender, default: Own()].talks[kind] = beginning
        }
        let begun = await beginning.value
        if case .failure = begun, own[call.sender]?.talks[kind] == beginning {
            own[call.sender]?.talks[kind] = nil
        }
        return try begun.get()
    }

    private func beginTalk(_ call: BusCall, _ kind: Kind) async throws(BusFault) -> BusTalk {
        let talk = BusTalk(
            on: loop, lineLimit: host.lineLimit,
            onMessage: { [bus, sender = call.sender] in Self.tell(sender, $0, kind, on: bus) },
            onEnd: { [weak self, sender = call.sender] in self?.own[sender]?.talks[kind] = nil })
        try await begin(call, over: talk)
        if case .tools(let claim) = kind {
            do throws(BusFault) {
                try await talk.shakeHands(as: claim ?? "unnamed")
            } catch {
                talk.leave()
                throw error
            }
        }
        return talk
    }

    /// What the daemon says by itself, to whom it is for and nobody else.
    private static func tell(_ receiver: String, _ message: JSONValue, _ kind: Kind, on bus: BusConnection) {
        func emit(_ member: String, _ write: BusAnswer) {
            bus.emit(.init(DBusNames.root, MCPObject.interface.name, member), to: receiver, write)
        }
        guard kind != .lines else {
            // What nobody waits for and no bus takes: an answer to what was taken back.
            guard message.bytes.count <= BusText.longest else { return }
            return emit("Message") { (signal) throws(BusError) in
                try signal.append(String(decoding: message.bytes, as: UTF8.self))
            }
        }
        if message["method"]?.isString("notifications/tools/list_changed") == true {
            emit("ToolsChanged") { _ in }
        } else if message["method"]?.isString("notifications/progress") == true,
            let params = message["params"]
        {
            emit("Progress") { (signal) throws(BusError) in
                try signal.append(params["progressToken"]?.string ?? "")
                try signal.append(params["progress"]?.double ?? 0)
                // Not known: nothing that it could be.
                try signal.append(params["total"]?.double ?? -1)
                try signal.append(params["message"]?.string ?? "")
            }
        }
    }

    // MARK: The end

    func hasLeft(_ name: String) {
        adopted.remove(name)
        guard let gone = own.removeValue(forKey: name) else { return }
        for number in gone.sockets { host.close(number) }
        for talk in gone.talks.values {
            loop.spawn { if case .success(let talk) = await talk.value { talk.leave() } }
        }
    }

    func everybodyHasLeft() { for name in own.keys { hasLeft(name) } }
}

extension BusTalk {
    /// What stands in a request of ours can be so large that the request is none that the session refuses to read.
    static let argumentLimits: JSONLimits = {
        var limits = JSONLimits.standard
        limits.depth -= 2
        limits.values -= 16
        return limits
    }()

    /// A request of ours, and a result; what the protocol refuses is an error of the bus.
    func result(
        of method: String, _ params: (inout JSONWriter) -> Void
    ) async throws(BusFault) -> (line: ResponseLine, result: ArraySlice<UInt8>) {
        let id = nextID()
        var request = JSONWriter()
        request.object { json in
            json.member("jsonrpc", "2.0")
            json.member("id", id.value)
            json.member("method", method)
            json.object("params", params)
        }
        let answer = try await ask(id, request.finishLine())
        guard let result = answer.result else {
            let error = Self.json(answer.bytes[...])?["error"]
            let (code, message) = (error?["code"]?.integer ?? 0, error?["message"]?.string)
            throw BusFault(name: DBusNames.errors + "Protocol", "\(message ?? "no result") (\(code))")
        }
        return (answer, result)
    }

    /// For methods of the bus: what a client without a way to ask its user says at the beginning.
    func shakeHands(as name: String) async throws(BusFault) {
        _ = try await result(of: "initialize") { params in
            params.member("protocolVersion", Revision.newestLegacy.rawValue)
            params.object("capabilities") { _ in }
            params.object("clientInfo") {
                $0.member("name", name)
                $0.member("version", "0")
            }
        }
        try say(JSONDocument(literal: #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).root)
    }
}
