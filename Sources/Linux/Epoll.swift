import CLinux
import Glibc

/// Level-triggered readiness of many descriptors. A token, not a number, names each of them.
package struct Epoll: ~Copyable {
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        package static let read = Interest(rawValue: EPOLLIN.rawValue)
        package static let write = Interest(rawValue: EPOLLOUT.rawValue)

        /// Without the generic code of a set literal: this is asked for every message.
        package init(read: Bool, write: Bool) {
            rawValue = (read ? EPOLLIN.rawValue : 0) | (write ? EPOLLOUT.rawValue : 0)
        }
    }

    package struct Readiness: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        package static let read = Readiness(rawValue: EPOLLIN.rawValue)
        package static let write = Readiness(rawValue: EPOLLOUT.rawValue)
        /// Both directions are closed, or the descriptor is in error: reported without being asked for.
        package static let hangUp = Readiness(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)

        /// Either of the two.
        package var isHungUp: Bool { rawValue & Self.hangUp.rawValue != 0 }
    }

    private let fd: OwnedFD

    package init() throws(SystemError) {
        fd = OwnedFD(raw: try systemCall("epoll_create1") { epoll_create1(CInt(EPOLL_CLOEXEC)) })
    }

    package func add(
        _ target: borrowing OwnedFD, _ interest: Interest, token: UInt64
    ) throws(SystemError) {
        try control(EPOLL_CTL_ADD, target, interest, token)
    }

    package func modify(
        _ target: borrowing OwnedFD, _ interest: Interest, token: UInt64
    ) throws(SystemError) {
        try control(EPOLL_CTL_MOD, target, interest, token)
    }

    package func remove(_ target: borrowing OwnedFD) throws(SystemError) {
        try control(EPOLL_CTL_DEL, target, [], 0)
    }

    private func control(
        _ operation: CInt, _ target: borrowing OwnedFD, _ interest: Interest, _ token: UInt64
    ) throws(SystemError) {
        let (raw, targetRaw) = (fd.raw, target.raw)
        var event = unsafe epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
        try systemCall("epoll_ctl") { unsafe epoll_ctl(raw, operation, targetRaw, &event) }
    }

    private static let eventsPerWait = 128

    /// Waits for at most `milliseconds` (-1: without end), then hands over what is ready. A signal ends
    /// the wait early with nothing. What is handed over may add and remove descriptors here.
    package func wait(
        milliseconds: CInt, _ ready: (UInt64, Readiness) -> Void
    ) throws(SystemError) {
        let raw = fd.raw
        var failure: SystemError?
        unsafe withUnsafeTemporaryAllocation(
            of: epoll_event.self, capacity: Self.eventsPerWait
        ) { events in
            let count = unsafe epoll_wait(
                raw, events.baseAddress, CInt(events.count), milliseconds)
            if count < 0, Errno.current != .interrupted {
                failure = SystemError("epoll_wait", .current)
            }
            for index in 0..<max(0, Int(count)) {
                let event = unsafe events[index]
                ready(unsafe event.data.u64, Readiness(rawValue: unsafe event.events))
            }
        }
        if let failure { throw failure }
    }
}
