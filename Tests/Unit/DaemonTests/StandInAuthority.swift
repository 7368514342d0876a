import CSystemd
import Foundation
import Synchronization
import TestSupport

/// In polkit's place on a bus, a version that this machine may not have, and one that never answers a question. What it
/// is asked is kept.
final class StandInAuthority: Sendable {
    struct Subject: Equatable {
        var kind = ""
        var keys: [String] = []
        /// Of the descriptor that was handed over.
        var process: Int32?
        var uid: Int32?
    }

    private final class State: Sendable {
        let version: String
        let subjects = Mutex<[Subject]>([])
        let withdrawn = Mutex<[String]>([])
        let flag = Flag()
        init(_ version: String) { self.version = version }
    }

    private let state: State
    private let thread: Beside<Void>

    var subjects: [Subject] { state.subjects.withLock { $0 } }
    /// The cancellations that came.
    var withdrawn: [String] { state.withdrawn.withLock { $0 } }

    init(version: String, at address: String) throws {
        let state = State(version)
        let ready = Flag()
        self.state = state
        thread = Beside { try Self.serve(address, state, ready) }
        try Deadline().wait(for: "the authority on the bus") { ready.isUp }
    }

    func leave() throws {
        state.flag.raise()
        try thread.value()
    }

    private static func serve(_ address: String, _ state: State, _ ready: Flag) throws {
        var made: OpaquePointer?
        guard unsafe sd_bus_new(&made) >= 0, let bus = unsafe made else { throw TestFault("sd_bus_new") }
        defer { unsafe sd_bus_flush_close_unref(bus) }
        unsafe sd_bus_set_address(bus, address)
        unsafe sd_bus_set_bus_client(bus, 1)
        unsafe sd_bus_negotiate_fds(bus, 1)
        guard unsafe sd_bus_start(bus) >= 0,
            unsafe sd_bus_request_name(bus, "org.freedesktop.PolicyKit1", 0) >= 0
        else { throw TestFault("the authority is not on the bus") }
        ready.raise()
        while !state.flag.isUp {
            var received: OpaquePointer?
            guard unsafe sd_bus_process(bus, &received) >= 0 else { return }
            guard let message = unsafe received else {
                unsafe sd_bus_wait(bus, 10_000)
                continue
            }
            unsafe take(message, state)
            unsafe sd_bus_message_unref(message)
        }
    }

    private static func take(_ message: OpaquePointer, _ state: State) {
        switch unsafe sd_bus_message_get_member(message).map({ unsafe String(cString: $0) }) {
        case "Get":
            var reply: OpaquePointer?
            unsafe sd_bus_message_new_method_return(message, &reply)
            unsafe sd_bus_message_open_container(reply, code("v"), "s")
            unsafe sd_bus_message_append_basic(reply, code("s"), state.version)
            unsafe sd_bus_message_close_container(reply)
            unsafe sd_bus_message_send(reply)
            unsafe sd_bus_message_unref(reply)
        case "CheckAuthorization":
            let subject = unsafe subject(message)
            state.subjects.withLock { $0.append(subject) }
        case "CancelCheckAuthorization":
            let identifier = unsafe string(message)
            state.withdrawn.withLock { $0.append(identifier) }
        default: break
        }
    }

    /// `(sa{sv})`
    private static func subject(_ message: OpaquePointer) -> Subject {
        var subject = Subject()
        unsafe sd_bus_message_enter_container(message, code("r"), "sa{sv}")
        subject.kind = unsafe string(message)
        unsafe sd_bus_message_enter_container(message, code("a"), "{sv}")
        while unsafe sd_bus_message_enter_container(message, code("e"), "sv") > 0 {
            let key = unsafe string(message)
            subject.keys.append(key)
            var number: Int32 = -1
            switch key {
            case "pidfd":
                unsafe sd_bus_message_enter_container(message, code("v"), "h")
                unsafe sd_bus_message_read_basic(message, code("h"), &number)
                unsafe sd_bus_message_exit_container(message)
                subject.process = Self.process(of: number)
            case "uid":
                unsafe sd_bus_message_enter_container(message, code("v"), "i")
                unsafe sd_bus_message_read_basic(message, code("i"), &number)
                unsafe sd_bus_message_exit_container(message)
                subject.uid = number
            default: unsafe sd_bus_message_skip(message, "v")
            }
            unsafe sd_bus_message_exit_container(message)
        }
        return subject
    }

    /// As the kernel says of a pidfd.
    private static func process(of descriptor: Int32) -> Int32? {
        (try? String(contentsOfFile: "/proc/self/fdinfo/\(descriptor)", encoding: .utf8))?
            .split(separator: "\n").first { $0.hasPrefix("Pid:") }
            .flatMap { Int32($0.dropFirst(4).trimmingCharacters(in: .whitespaces)) }
    }

    private static func string(_ message: OpaquePointer) -> String {
        var text: UnsafePointer<CChar>?
        unsafe sd_bus_message_read_basic(message, code("s"), &text)
        return unsafe text.map { unsafe String(cString: $0) } ?? ""
    }

    private static func code(_ letter: Unicode.Scalar) -> CChar { CChar(letter.value) }
}
