import EventLoop
import Linux
import TestSupport
import Testing

@testable import Bus

/// A connection and a real dbus-daemon, with somebody on it who answers, fails, is silent or leaves.
@Suite struct BusConnectionTests {
    private let directory: TemporaryDirectory
    private var address: String { RunningBus.address(in: directory) }

    init() throws { directory = try TemporaryDirectory() }

    private static func peer(_ member: String) -> BusMethod {
        BusMethod(TestPeer.name, "/", TestPeer.name, member)
    }

    private static func bus(_ member: String) -> BusMethod {
        BusMethod("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", member)
    }

    private static func error<Value>(of body: () async throws(BusError) -> Value) async -> BusError? {
        do throws(BusError) {
            _ = try await body()
            return nil
        } catch {
            return error
        }
    }

    private static func isOwned(_ name: String, _ connection: BusConnection) async throws(BusError) -> Bool {
        try await connection.call(bus("NameHasOwner")) { message throws(BusError) in
            try message.append(name)
        }.readBool()
    }

    // MARK: Calls

    @Test("Values come back as they were sent, and are read as nothing else")
    func values() throws {
        let bus = try RunningBus(in: directory)
        let peer = try TestPeer(at: address)
        let address = address
        try onLoop { loop in
            let connection = BusConnection(to: try BusAddress(address), on: loop)
            #expect(connection.state == .idle)
            let details = [("a", "ä\u{202E}\n"), ("", "")]
            let reply = try await connection.call(Self.peer("Echo")) { message throws(BusError) in
                try message.append("text")
                try message.append(.structure("s")) { () throws(BusError) in try message.append("inside") }
                try message.append(details)
                try message.append(.variant("s")) { () throws(BusError) in try message.append("any") }
                try message.append(UInt32.max)
            }
            #expect(connection.state == .ready)
            #expect(throws: BusError.self) { try reply.readBool() }
            #expect(try reply.readString() == "text")
            let inside = try reply.read(.structure("s")) { () throws(BusError) in try reply.readString() }
            #expect(inside == "inside")
            #expect(try reply.readDetails() == ["a": "ä\u{202E}\n", "": ""])
            #expect(throws: BusError.self) { try reply.read(.variant("u")) {} }
            #expect(try reply.read(.variant("s")) { () throws(BusError) in try reply.readString() } == "any")
            #expect(throws: BusError.self) { try reply.readString() }
            #expect(try await Self.isOwned(TestPeer.name, connection))
            #expect(try await !Self.isOwned("org.cloister.Nobody", connection))
            connection.close()
        }
        try peer.leave()
        try bus.end()
    }

    @Test("An error is an error by its name, and what cannot be said is not sent")
    func errors() throws {
        let bus = try RunningBus(in: directory)
        let peer = try TestPeer(at: address)
        let address = address
        try onLoop { loop in
            let connection = BusConnection(to: try BusAddress(address), on: loop)
            let failed = await Self.error { () throws(BusError) in
                try await connection.call(Self.peer("Fail"))
            }
            #expect(
                failed
                    == .refused(name: "org.cloister.TestPeer.Error.Meant", message: "as it was meant to"))
            let nobody = await Self.error { () throws(BusError) in
                try await connection.call(BusMethod("org.cloister.Nobody", "/", "a.b", "C"))
            }
            #expect(nobody?.name == "org.freedesktop.DBus.Error.ServiceUnknown")
            let cut = await Self.error { () throws(BusError) in
                try await connection.call(Self.peer("Echo")) { message throws(BusError) in
                    try message.append("a\0b")
                }
            }
            guard case .malformed = cut else { throw TestFault("\(cut.map { "\($0)" } ?? "no error")") }
            let path = await Self.error { () throws(BusError) in
                try await connection.call(BusMethod(TestPeer.name, "no path", "a.b", "C"))
            }
            guard case .malformed = path else { throw TestFault("\(path.map { "\($0)" } ?? "no error")") }
            #expect(connection.state == .ready)
            connection.close()
        }
        try peer.leave()
        try bus.end()
    }

    @Test("A message of megabytes goes out and comes back while the loop does other things")
    func bigMessage() throws {
        let bus = try RunningBus(in: directory)
        let peer = try TestPeer(at: address)
        let address = address
        try onLoop { loop in
            let connection = BusConnection(to: try BusAddress(address), on: loop)
            // More than sd-bus lets the kernel keep for it, which is 8 MiB.
            let text = String(repeating: "0123456789abcdef", count: 3 << 19)
            var turns = 0
            var isOver = false
            func count() {
                turns += 1
                if !isOver { loop.later { count() } }
            }
            count()
            let reply = try await connection.call(Self.peer("Echo")) { message throws(BusError) in
                try message.append(text)
            }
            isOver = true
            #expect(try reply.readString() == text)
            #expect(turns > 10)
            connection.close()
        }
        try peer.leave()
        try bus.end()
    }

    @Test("A call whose time is up, or whose task is cancelled, ends, and the next one is answered")
    func timeAndCancellation() throws {
        let bus = try RunningBus(in: directory)
        let peer = try TestPeer(at: address)
        let address = address
        try onLoop { loop in
            let connection = BusConnection(to: try BusAddress(address), on: loop)
            let late = await Self.error { () throws(BusError) in
                try await connection.call(Self.peer("Wait"), within: .milliseconds(20))
            }
            #expect(late == .timedOut)
            let task = Task(executorPreference: loop) {
                await Self.error { () throws(BusError) in
                    try await connection.call(Self.peer("Wait"), within: nil)
                }
            }
            try await loop.sleep(for: .milliseconds(20))
            task.cancel()
            #expect(await task.value == .cancelled)
            #expect(try await Self.isOwned(TestPeer.name, connection))
            let before = Task(executorPreference: loop) {
                await Self.error { () throws(BusError) in try await connection.call(Self.peer("Wait")) }
            }
            before.cancel()
            #expect(await before.value == .cancelled)
            let left = await Self.error { () throws(BusError) in try await connection.call(Self.peer("Leave"))
            }
            #expect(left?.name == "org.freedesktop.DBus.Error.NoReply")
            connection.close()
        }
        try peer.leave()
        try bus.end()
    }

    @Test("What wants no answer is sent, and none is waited for")
    func sending() throws {
        let bus = try RunningBus(in: directory)
        let peer = try TestPeer(at: address)
        let address = address
        try onLoop { loop in
            let connection = BusConnection(to: try BusAddress(address), on: loop)
            try connection.send(Self.peer("Leave"))
            try await eventually("the peer to leave", on: loop) {
                (try? await Self.isOwned(TestPeer.name, connection)) == false
            }
            connection.close()
        }
        try peer.leave()
        try bus.end()
    }

    // MARK: The connection

    @Test("No bus at all is an error at once; when there is one, it is found without being asked for")
    func noBus() throws {
        let directory = directory
        let address = address
        try onLoop { loop in
            let connection = BusConnection(to: try BusAddress(address), on: loop)
            let began = loop.now
            let none = await Self.error { () throws(BusError) in try await connection.call(Self.bus("GetId"))
            }
            guard case .unreachable(let reason) = none else {
                throw TestFault("\(none.map { "\($0)" } ?? "no error")")
            }
            #expect(reason.contains(RunningBus.socket(in: directory)) && reason.contains("No such file"))
            #expect(loop.now - began < .seconds(1))
            #expect(connection.state == .away)
            let bus = try RunningBus(in: directory)
            try await eventually("the connection", on: loop) { connection.state == .ready }
            connection.close()
            #expect(connection.state == .closed)
            let closed = await Self.error { () throws(BusError) in
                try await connection.call(Self.bus("GetId"))
            }
            #expect(closed == .lost)
            try bus.end()
        }
    }

    @Test("When the bus restarts, calls that wait are lost, and the connection comes back by itself")
    func restart() throws {
        let directory = directory
        let address = address
        try onLoop { loop in
            let first = try RunningBus(in: directory)
            let peer = try TestPeer(at: address)
            var states: [BusConnection.State] = []
            let connection = BusConnection(to: try BusAddress(address), on: loop) { states.append($0) }
            let waiting = Task(executorPreference: loop) {
                await Self.error { () throws(BusError) in
                    try await connection.call(Self.peer("Wait"), within: nil)
                }
            }
            try await eventually("the connection", on: loop) { connection.state == .ready }
            try first.end()
            let lost = await waiting.value
            #expect(lost == .lost || lost?.name == "org.freedesktop.DBus.Error.NoReply")
            try await eventually("the loss", on: loop) { connection.state == .away }
            try peer.leave()
            let second = try RunningBus(in: directory)
            try await eventually("the connection", on: loop) { connection.state == .ready }
            #expect(try await !Self.isOwned(TestPeer.name, connection))
            #expect(states == [.connecting, .ready, .away, .connecting, .ready])
            // A call does not wait for the pause to be over.
            try second.end()
            try await eventually("the loss", on: loop) { connection.state == .away }
            try await loop.sleep(for: .seconds(1))
            let third = try RunningBus(in: directory)
            #expect(try await !Self.isOwned(TestPeer.name, connection))
            connection.close()
            try third.end()
        }
    }

    @Test("A bus that stands still holds up its callers, and nobody else")
    func standingStill() throws {
        let directory = directory
        let address = address
        try onLoop { loop in
            let bus = try RunningBus(in: directory)
            bus.stand(still: true)
            let connection = BusConnection(to: try BusAddress(address), on: loop)
            let began = loop.now
            let late = await Self.error { () throws(BusError) in
                try await connection.call(Self.bus("GetId"), within: .milliseconds(50))
            }
            #expect(late == .timedOut)
            #expect(loop.now - began < .seconds(2))
            #expect(connection.state == .connecting)
            bus.stand(still: false)
            #expect(try await !connection.call(Self.bus("GetId")).readString().isEmpty)
            connection.close()
            try bus.end()
        }
    }

    @Test("Somebody who is no bus is one that cannot be reached")
    func noBusAtTheSocket() throws {
        let address = address
        let path = RunningBus.socket(in: directory)
        try onLoop { loop in
            let socket = try UnixSocket.listen(at: path, mode: 0o600)
            let listener = Listener(consume socket, on: loop)
            try listener.start(
                onConnection: { stream in
                    _ = try? stream.write(Array("who are you?\r\n".utf8).span)
                    stream.close()
                }, onTrouble: { Issue.record("\($0)") })
            let connection = BusConnection(to: try BusAddress(address), on: loop)
            let error = await Self.error { () throws(BusError) in try await connection.call(Self.bus("GetId"))
            }
            #expect(error != nil && error != .timedOut)
            try await eventually("the loss", on: loop) { connection.state == .away }
            connection.close()
            listener.close()
        }
    }

    @Test(
        "An address is a socket of this machine",
        arguments: [
            ("unix:path=/a", true), ("unix:path=/a;unix:abstract=b", true), ("", false),
            ("tcp:host=a", false),
            ("unix:path=/a;tcp:host=a,port=1", false), ("unixexec:path=/bin/sh", false), ("/a", false),
        ])
    func addresses(text: String, isAddress: Bool) {
        #expect(((try? BusAddress(text)) != nil) == isAddress)
    }
}
