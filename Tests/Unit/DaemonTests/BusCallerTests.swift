import Foundation
import Linux
import Policy
import PolicyFiles
import TestSupport
import Testing

@testable import Bus
@testable import Daemon

/// Who calls, as different buses say it: dbus 1.16 and dbus-broker 35 give a descriptor of the process, and where a
/// security module is loaded they give its label.
@Suite struct BusCallerTests {
    typealias Entry = StandInReply.Entry

    private static func number(_ key: String, _ number: UInt32) -> Entry {
        (key, "u", { (message) throws(BusError) in try message.append(number) })
    }

    private static func text(_ key: String, _ text: String) -> Entry {
        (key, "s", { (message) throws(BusError) in try message.append(text) })
    }

    private static func groups(_ numbers: [UInt32]) -> Entry {
        (
            "UnixGroupIDs", "au",
            { (message) throws(BusError) in
                try message.append(.array("u")) { () throws(BusError) in
                    for number in numbers { try message.append(number) }
                }
            }
        )
    }

    private static func label(_ bytes: [UInt8]) -> Entry {
        (
            "LinuxSecurityLabel", "ay",
            { (message) throws(BusError) in try StandInReply.bytes(bytes, in: message) }
        )
    }

    private static func process(_ pid: Int32) -> Entry {
        (
            "ProcessFD", "h",
            { (message) throws(BusError) in
                guard let descriptor = try? ProcessFD.open(pid) else { throw .malformed("no process") }
                try message.append(descriptor)
            }
        )
    }

    /// The process that a descriptor stands for, as the kernel says.
    private static func process(of descriptor: borrowing OwnedFD) throws -> Int32? {
        try String(contentsOfFile: "/proc/self/fdinfo/\(descriptor.number)", encoding: .utf8)
            .split(separator: "\n").first { $0.hasPrefix("Pid:") }
            .flatMap { Int32($0.dropFirst(4).trimmingCharacters(in: .whitespaces)) }
    }

    private static func caller(_ entries: [Entry]) throws -> BusCaller {
        // The reply is gone when the caller is looked at: what it has is its own.
        try BusCaller(":1.7", reading: try StandInReply(entries).message)
    }

    private static let plain = [
        number("UnixUserID", 1000), number("ProcessID", 4242), groups([100, 4, 27]),
    ]

    @Test("A bus that gives a descriptor of the process is believed that, and no other is opened by number")
    func descriptor() throws {
        let other = try Launch("/bin/sleep", ["60"]).start()
        defer { other.kill(SIGKILL) }
        let own = Linux.Process.id
        let entries = [
            Self.number("UnixUserID", 1000), Self.number("ProcessID", UInt32(own)), Self.groups([100]),
            // Of another process than the number says, so that it is seen which one is taken.
            Self.process(other.pid),
        ]
        let credentials = try PeerCredentials(try Self.caller(entries))
        let (isExact, process, isThere) = try (
            credentials.pidfdIsExact, Self.process(of: credentials.pidfd!), credentials.isThere
        )
        #expect(isExact && isThere && process == other.pid)
        other.kill(SIGKILL)
        try other.waitForEnd()
        let isStillThere = credentials.isThere
        #expect(!isStillThere)
        // The same bus without one: the number is all there is, and nobody calls that exact.
        let guessed = try PeerCredentials(try Self.caller(entries.dropLast()))
        let (isGuessExact, guess) = try (guessed.pidfdIsExact, Self.process(of: guessed.pidfd!))
        #expect(!isGuessExact && guess == own)
    }

    @Test(
        "The security label comes along, with a NUL at its end and without, and is none where it is empty",
        arguments: [
            (Array("unconfined\0".utf8), "unconfined"), (Array("a_u:a_r:a_t:s0".utf8), "a_u:a_r:a_t:s0"),
            (Array("one\0two\0".utf8), "one"), ([0], nil), ([], nil),
        ] as [([UInt8], String?)])
    func label(bytes: [UInt8], label: String?) throws {
        let caller = try Self.caller(Self.plain + [Self.label(bytes)])
        #expect(caller.label == label)
        let client = Client(try PeerCredentials(caller), session: 1, busName: caller.name)
        let facts = ClientFacts(client)
        #expect(facts.label == label && facts.transport == .bus && facts.uid == 1000)
        #expect(client.description.contains("label") == (label != nil))
        // What policy says of a label is said of this one.
        let policy = SessionPolicy(try .of(label: "unconfined"), for: facts)
        #expect(policy.maySee(tool: "x") == (label == "unconfined"))
    }

    @Test(
        "A caller whose groups the bus does not say is nobody's client, and one that has none is none either")
    func withoutGroups() throws {
        for entries in [Array(Self.plain.dropLast()), Self.plain.dropLast() + [Self.groups([])]] {
            #expect(throws: SystemError.self) { _ = try PeerCredentials(try Self.caller(entries)) }
        }
        let credentials = try PeerCredentials(try Self.caller(Self.plain))
        let (groups, uid, pid) = (credentials.groups, credentials.uid, credentials.pid)
        #expect(groups == [100, 4, 27] && uid == 1000 && pid == 4242)
    }

    @Test(
        "Without a user and a process there is nobody to decide about",
        arguments: [
            [], [number("UnixUserID", 1000)], [number("ProcessID", 1)],
            [number("UnixUserID", 1000), number("ProcessID", 0)],
            [number("UnixUserID", 1000), number("ProcessID", 1 << 31)],
            [text("UnixUserID", "0"), number("ProcessID", 1)],
            [number("UnixUserID", 1000), text("ProcessID", "1")],
        ] as [[Entry]])
    func nobody(entries: [Entry]) {
        #expect(throws: BusError.self) { try Self.caller(entries) }
    }

    @Test("What is not known, or is of another type than it should be, is passed over")
    func strange() throws {
        let strange = [
            Self.text("WindowsSID", "S-1"), Self.text("LinuxSecurityLabel", "text"),
            Self.number("ProcessFD", 3), Self.label([UInt8(ascii: "a")]), Self.number("New", 7),
        ]
        let caller = try Self.caller(strange + Self.plain)
        #expect(caller.uid == 1000 && caller.pid == 4242 && caller.groups == [100, 4, 27])
        #expect(caller.label == "a" && caller.pidfd == nil)
    }
}

extension PolicySet {
    fileprivate static func of(label: String) throws -> PolicySet {
        let text = "clients: [{name: a, match: {label: \(label)}, rules: [{allow: TOOL, tools: '*'}]}]"
        return try PolicySet([PolicyFile.read(Array(text.utf8), named: "test.yaml")])
    }
}
