// Whom polkit is asked about: the process that connected, and no other one that has its number by now.
//
// From version 124 on polkit takes a descriptor of the process: the one that the kernel gave us with its socket. Before
// that it takes a number, the time at which that process began, and its user. The time is read while our descriptor
// says that the process is there, before and after, so it is that process's; and polkit compares it. What this leaves
// open is small, and stands in docs/decisions/0014.

import Bus
import Linux

enum PolkitSubject {
    case descriptor(Client)
    case number(pid: UInt32, start: UInt64, uid: UInt32)
    /// Somebody on the bus, by the unique name that nobody else gets: polkit asks the bus who that is.
    case busName(String)

    /// Why polkit cannot be asked about this client.
    enum Obstacle: Error {
        case ended
        /// /proc does not show other users' processes to us.
        case hidden
    }

    init(_ client: Client, version: String) throws(Obstacle) {
        if let name = client.busName {
            self = .busName(name)
            return
        }
        guard client.credentials.isThere else { throw .ended }
        if Self.takesDescriptors(version: version) {
            self = .descriptor(client)
        } else {
            let (pid, uid) = (client.credentials.pid, client.credentials.uid)
            guard let start = ProcessFacts.startTime(of: client.credentials.pidfd!, pid) else {
                throw client.credentials.isThere ? .hidden : .ended
            }
            self = .number(pid: UInt32(pid), start: start, uid: uid)
        }
    }

    /// `122`, `124`, and long ago `0.105`.
    static func takesDescriptors(version: String) -> Bool {
        Int(version.prefix { $0.isASCII && $0.isNumber }).map { $0 >= 124 } ?? false
    }

    /// `(sa{sv})`
    func append(to message: BusMessage) throws(BusError) {
        func entry(
            _ key: String, _ type: String, _ value: () throws(BusError) -> Void
        ) throws(BusError) {
            try message.append(.entry("sv")) { () throws(BusError) in
                try message.append(key)
                try message.append(.variant(type), value)
            }
        }
        func user(_ uid: UInt32) throws(BusError) {
            try entry("uid", "i") { () throws(BusError) in try message.append(Int32(bitPattern: uid)) }
        }
        try message.append(.structure("sa{sv}")) { () throws(BusError) in
            if case .busName(let name) = self {
                try message.append("system-bus-name")
                return try message.append(.array("{sv}")) { () throws(BusError) in
                    try entry("name", "s") { () throws(BusError) in try message.append(name) }
                }
            }
            try message.append("unix-process")
            try message.append(.array("{sv}")) { () throws(BusError) in
                switch self {
                case .descriptor(let client):
                    try entry("pidfd", "h") { () throws(BusError) in
                        try message.append(client.credentials.pidfd!)
                    }
                    try user(client.credentials.uid)
                case .number(let pid, let start, let uid):
                    try entry("pid", "u") { () throws(BusError) in try message.append(pid) }
                    try entry("start-time", "t") { () throws(BusError) in try message.append(start) }
                    try user(uid)
                case .busName: break
                }
            }
        }
    }
}
