// A bus, as the daemon has it: there when it is there, and found again when it comes back.
//
//   idle ──first call──▶ connecting ──it has told us our name──▶ ready
//                          ▲   └──refused, lost──▶ away ◀──lost────┘
//                          └── after a pause ────────┘      close ──▶ closed
//
// sd-bus speaks; the loop waits for it: for its socket, as it says after every step, and for its deadlines. Nothing
// here blocks, and nothing has a thread of its own.
//
// Invariants: every call ends exactly once, with an answer or an error; those that wait when a connection is lost end
// then, and are not sent again, for nobody knows what became of them. A call while the bus is away tries at once: it is
// somebody who waits, and not a pause that has to be kept. What belongs to one connection is in `BusLink` and goes
// with it: who offers objects takes their calls by `onCall`, and asks for its name whenever `onChange` says ready.

import CSystemd
import EventLoop
import Linux

// Unchecked: touched on the loop's thread only.
package final class BusConnection: @unchecked Sendable {
    package enum State: Equatable, Sendable {
        case idle, connecting, ready, away, closed
    }

    package private(set) var state = State.idle {
        didSet { if state != oldValue { onChange(state) } }
    }

    private let address: BusAddress
    private let loop: EventLoop
    package var onChange: (State) -> Void
    /// Calls of our objects; without it they are told that there are none.
    package var onCall: ((BusCall) -> Void)?
    /// Whoever has left the bus, by its unique name, where `watchForDepartures` was called.
    package var onDeparture: ((String) -> Void)?
    /// A name that was waited for is ours now.
    package var onName: ((String) -> Void)?
    private(set) var link: BusLink?
    private var watch: EventLoop.Watch?
    private var interest: Epoll.Interest = []
    private var deadline: TimerID?
    private var pause = BusConnection.shortestPause
    private var reconnection: TimerID?
    private var calls: [ObjectIdentifier: PendingCall] = [:]

    private static let shortestPause: Duration = .milliseconds(100)
    private static let longestPause: Duration = .seconds(30)

    package init(
        to address: BusAddress, on loop: EventLoop, onChange: @escaping (State) -> Void = { _ in }
    ) {
        (self.address, self.loop, self.onChange) = (address, loop, onChange)
    }

    // MARK: Calls

    /// `write` appends the arguments. Cancelling the task ends it at once; what was sent stays sent.
    package func call(
        _ method: BusMethod, within patience: Duration? = .seconds(25),
        _ write: (BusMessage) throws(BusError) -> Void = { _ in }
    ) async throws(BusError) -> BusMessage {
        let link = try linkNow()
        let message = try Self.message(method, over: link, write)
        let call = PendingCall()
        try call.send(message, over: link)
        let key = ObjectIdentifier(call)
        calls[key] = call
        arm()
        let timer = patience.map { loop.schedule(after: $0) { call.end(.failure(.timedOut)) } }
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { waiting in call.wait { waiting.resume(returning: $0) } }
        } onCancel: {
            loop.spawn { call.end(.failure(.cancelled)) }
        }
        calls[key] = nil
        if let timer { loop.cancel(timer) }
        return try answer.get()
    }

    /// A call whose answer nobody wants.
    package func send(
        _ method: BusMethod, _ write: (BusMessage) throws(BusError) -> Void = { _ in }
    ) throws(BusError) {
        let link = try linkNow()
        let message = try Self.message(method, over: link, write)
        try BusError.check(unsafe sd_bus_message_set_expect_reply(message.raw, 0), "no reply")
        try BusError.checkSent(unsafe sd_bus_send(link.raw, message.raw, nil))
        arm()
    }

    static func message(
        _ method: BusMethod, over link: BusLink, _ write: (BusMessage) throws(BusError) -> Void
    ) throws(BusError) -> BusMessage {
        var made: OpaquePointer?
        let result = unsafe sd_bus_message_new_method_call(
            link.raw, &made, method.destination, method.path, method.interface, method.member)
        try BusError.check(result, "\(method)")
        guard let raw = unsafe made else { throw .malformed("\(method)") }
        let message = unsafe BusMessage(owning: raw)
        try write(message)
        return message
    }

    // MARK: What comes

    private func take(_ message: BusMessage) -> Bool {
        if message.isSignal {
            hear(message)
            return false
        }
        // Peer is sd-bus's own.
        guard message.isCall, message.interface != BusInterface.peer.name, let onCall,
            let call = BusCall(message, on: self)
        else { return false }
        onCall(call)
        return true
    }

    private func hear(_ signal: BusMessage) {
        guard signal.sender == "org.freedesktop.DBus", signal.interface == "org.freedesktop.DBus" else {
            return
        }
        switch signal.member {
        case "NameOwnerChanged":
            guard let onDeparture, let name = try? signal.readString(), name.hasPrefix(":") else { return }
            onDeparture(name)
        case "NameAcquired":
            guard let onName, let name = try? signal.readString(), !name.hasPrefix(":") else { return }
            onName(name)
        default: return
        }
    }

    // MARK: The connection

    /// Connects now, and stays connected.
    package func open() {
        guard link == nil, state != .closed else { return }
        _ = try? connect()
    }

    /// What is sent before the bus has answered goes out when it has.
    private func linkNow() throws(BusError) -> BusLink {
        if let link { return link }
        guard state != .closed else { throw .lost }
        return try connect()
    }

    @discardableResult
    private func connect() throws(BusError) -> BusLink {
        stopReconnecting()
        do throws(BusError) {
            let link = try BusLink(address) { [unowned self] in take($0) }
            interest = link.interest ?? []
            do throws(SystemError) {
                watch = try loop.watch(link.socket, interest) { [unowned self] _ in process() }
            } catch {
                throw .unreachable("\(error)")
            }
            self.link = link
            state = .connecting
            arm()
            return link
        } catch {
            goAway()
            throw error
        }
    }

    private func process() {
        guard let link else { return }
        guard link.process() else { return lose() }
        if state == .connecting, link.isReady {
            pause = Self.shortestPause
            state = .ready
        }
        arm()
    }

    /// Waits for what sd-bus wants now: after everything that it did, for it may want something else than before.
    func arm() {
        guard let link, let watch else { return }
        guard let wanted = link.interest else { return lose() }
        if wanted != interest {
            interest = wanted
            do throws(SystemError) { try loop.update(watch, of: link.socket, wanted) } catch { return lose() }
        }
        if let deadline { loop.cancel(deadline) }
        deadline = link.deadline.map { moment in
            loop.schedule(after: max(.zero, moment - SystemClock.monotonic)) { [unowned self] in
                deadline = nil
                process()
            }
        }
    }

    private func lose() {
        drop()
        goAway()
    }

    private func drop() {
        if let link, let watch { loop.unwatch(watch, of: link.socket) }
        if let deadline { loop.cancel(deadline) }
        (watch, deadline) = (nil, nil)
        for call in calls.values { call.end(.failure(.lost)) }
        calls = [:]
        link = nil
    }

    private func goAway() {
        state = .away
        reconnection = loop.schedule(after: pause) { [unowned self] in
            reconnection = nil
            _ = try? connect()
        }
        pause = min(pause * 2, Self.longestPause)
    }

    private func stopReconnecting() {
        if let reconnection { loop.cancel(reconnection) }
        reconnection = nil
    }

    package func close() {
        stopReconnecting()
        drop()
        state = .closed
    }
}
