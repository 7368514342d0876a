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

    func keep(_ fds: borrowing DescriptorTable, as name: String) -> Bool { manager.keep(fds, as: name) }

    func drop(_ name: String) { manager.drop(name) }
}
