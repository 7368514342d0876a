// What the service manager keeps for the next process of this service: a restart and a crash end this process, and
// nothing else. A session has its client's socket and a journal under one name, its cell's socket under another; a command
// on the host has a name of its own.
//
// Names are short, and given out again: the manager passes all of them in one variable, which has a limit.

import EventLoop
import Linux

// Unchecked: touched on the loop's thread only.
package final class DescriptorStore: @unchecked Sendable {
    enum Name {
        static let celld = "celld"
        static let commands = "commands"
        static func session(_ slot: Int) -> String { "s\(slot)" }
        static func cell(_ slot: Int) -> String { "c\(slot)" }
        /// By what celld knows somebody again who has no socket of their own.
        static func voucher(_ slot: Int) -> String { "v\(slot)" }
        static func command(_ slot: Int) -> String { "r\(slot)" }

        /// Whose it is: `nil` for what is no session's.
        static func slot(_ name: String, of kind: Character) -> Int? {
            guard name.first == kind, let slot = Int(name.dropFirst()), slot >= 0 else { return nil }
            return slot
        }

        /// Such names are ours; a socket that the manager listens on has another.
        package static func isOne(_ name: String) -> Bool {
            name == celld || name == commands || "scrv".contains { slot(name, of: $0) != nil }
        }
    }

    private let manager: ServiceManager
    /// What the manager has of us.
    private var names: Set<String> = []
    private var used: Set<Int> = []
    private var lowestFree = 0

    package init(_ manager: ServiceManager) { self.manager = manager }

    func takeSlot() -> Int {
        while !used.insert(lowestFree).inserted { lowestFree += 1 }
        return lowestFree
    }

    /// One that was given out by a process before us.
    func claim(_ slot: Int) { used.insert(slot) }

    func free(_ slot: Int) {
        used.remove(slot)
        lowestFree = min(lowestFree, slot)
    }

    /// False when the manager has not heard of it.
    func keep(_ fds: borrowing DescriptorTable, as name: String) -> Bool {
        guard manager.keep(fds, as: name) else { return false }
        names.insert(name)
        return true
    }

    /// From here on it is the manager's, too.
    func keep(_ stream: SocketStream, as name: String) throws(SystemError) -> Bool {
        var table = DescriptorTable()
        try stream.pass(into: &table)
        guard keep(table, as: name) else { return false }
        stream.isShared = true
        return true
    }

    /// What it keeps of a process before us.
    func adopt(_ names: some Sequence<String>) { self.names.formUnion(names) }

    func drop(_ name: String) {
        if names.remove(name) != nil { manager.drop(name) }
    }

    /// All that there is of a session, but for its commands.
    func dropSession(_ slot: Int) {
        for name in [Name.session(slot), Name.cell(slot), Name.voucher(slot)] { drop(name) }
    }
}
