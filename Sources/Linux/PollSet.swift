import CLinux
import Glibc

/// Readiness of a few descriptors of any kind: unlike epoll, poll(2) also takes regular files and terminals.
/// Filled anew for each wait; a place in it is named by the order of adding.
package struct PollSet: Sendable {
    package struct Readiness: OptionSet, Sendable {
        package let rawValue: Int16
        package init(rawValue: Int16) { self.rawValue = rawValue }
        package static let read = Readiness(rawValue: Int16(POLLIN))
        package static let write = Readiness(rawValue: Int16(POLLOUT))
        /// Reported without being asked for.
        package static let hangUp = Readiness(rawValue: Int16(POLLHUP | POLLERR))

        /// Either of the two.
        package var isHungUp: Bool { rawValue & Self.hangUp.rawValue != 0 }
    }

    private var entries: [pollfd] = []

    package init() {}

    package mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

    package mutating func add(_ fd: borrowing OwnedFD, _ interest: Readiness) {
        entries.append(pollfd(fd: fd.raw, events: interest.rawValue, revents: 0))
    }

    /// Keeps the place of a descriptor that is not there, or not of interest now.
    package mutating func addNothing() {
        entries.append(pollfd(fd: -1, events: 0, revents: 0))
    }

    /// -1 waits without end.
    package mutating func wait(milliseconds: CInt = -1) throws(SystemError) {
        _ = try systemCall("poll") { unsafe poll(&entries, nfds_t(entries.count), milliseconds) }
    }

    package subscript(_ place: Int) -> Readiness { Readiness(rawValue: entries[place].revents) }
}
