// Whom polkit is asked about: one process, and no other one that has its number by now.
//
// From version 124 on polkit takes a descriptor of the process: the one that the kernel gave us with its socket. Before
// that it takes a number, the time at which that process began, and its user. The time is read while our descriptor
// says that the process is there, before and after, so it is that process's; and polkit compares it. What this leaves
// open is small, and stands in docs/decisions/0014.

import Linux

package enum PolkitSubject: ~Copyable, Sendable {
    case descriptor(Descriptor)
    case number(pid: UInt32, start: UInt64, uid: UInt32)
    /// Somebody on the bus, by the unique name that nobody else gets: polkit asks the bus who that is.
    case busName(String)

    package struct Descriptor: ~Copyable, Sendable {
        let pidfd: OwnedFD
        let uid: UInt32
    }

    /// Why polkit cannot be asked about this process.
    package enum Obstacle: Error {
        case ended
        /// /proc does not show other users' processes to us.
        case hidden
    }

    /// `start` says when the process began, and is asked only where polkit wants to know.
    package init(
        process pidfd: consuming OwnedFD, pid: Int32, uid: UInt32, version: String, start: () -> UInt64?
    ) throws(Obstacle) {
        guard ProcessFD.isThere(pidfd) else { throw .ended }
        if Self.takesDescriptors(version: version) {
            self = .descriptor(Descriptor(pidfd: pidfd, uid: uid))
        } else {
            guard let start = start() else { throw ProcessFD.isThere(pidfd) ? .hidden : .ended }
            self = .number(pid: UInt32(pid), start: start, uid: uid)
        }
    }

    /// `122`, `124`, and long ago `0.105`.
    package static func takesDescriptors(version: String) -> Bool {
        Int(version.prefix { $0.isASCII && $0.isNumber }).map { $0 >= 124 } ?? false
    }

    /// `(sa{sv})`
    func append(to message: BusMessage) throws(BusError) {
        switch self {
        case .descriptor(let process): try message.append(subject: process)
        case .number(let pid, let start, let uid):
            try message.append(subject: "unix-process") { () throws(BusError) in
                try message.append(entry: "pid", "u") { () throws(BusError) in try message.append(pid) }
                try message.append(entry: "start-time", "t") { () throws(BusError) in
                    try message.append(start)
                }
                try message.append(user: uid)
            }
        case .busName(let name):
            try message.append(subject: "system-bus-name") { () throws(BusError) in
                try message.append(entry: "name", "s") { () throws(BusError) in try message.append(name) }
            }
        }
    }
}

extension BusMessage {
    fileprivate func append(
        subject kind: String, _ entries: () throws(BusError) -> Void
    ) throws(BusError) {
        try append(.structure("sa{sv}")) { () throws(BusError) in
            try append(kind)
            try append(.array("{sv}"), entries)
        }
    }

    /// A function of its own: no closure takes what a pattern has borrowed.
    fileprivate func append(subject process: borrowing PolkitSubject.Descriptor) throws(BusError) {
        try append(subject: "unix-process") { () throws(BusError) in
            try append(entry: "pidfd", "h") { () throws(BusError) in try append(process.pidfd) }
            try append(user: process.uid)
        }
    }

    fileprivate func append(user uid: UInt32) throws(BusError) {
        try append(entry: "uid", "i") { () throws(BusError) in try append(Int32(bitPattern: uid)) }
    }

    fileprivate func append(
        entry key: String, _ type: String, _ value: () throws(BusError) -> Void
    ) throws(BusError) {
        try append(.entry("sv")) { () throws(BusError) in
            try append(key)
            try append(.variant(type), value)
        }
    }
}
