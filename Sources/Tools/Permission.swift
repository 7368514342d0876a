import Cells

/// Something that a call needs to be allowed to do, as its arguments say. Who decides is the gatekeeper.
package struct Permission: Hashable, Sendable, CustomStringConvertible {
    package enum Act: String, Sendable {
        case read, write, run
        /// On the host, as the client's own user; and as root.
        case systemCommand, sudo
    }

    package let act: Act
    /// An absolute path inside the cell without `.` and `..`; the name or path of a program.
    package let object: String
    /// Of a command on the host: all of it, the program by its path.
    package let command: [String]
    /// Of a program: it gets variables of the call's own, by which it can be made to run others.
    package let setsEnvironment: Bool

    package init(_ act: Act, _ object: String, setsEnvironment: Bool = false) {
        (self.act, self.object, self.setsEnvironment) = (act, object, setsEnvironment)
        command = []
    }

    package init(_ act: Act, command: [String]) {
        (self.act, self.command, object) = (act, command, ShellWords.quoted(command))
        setsEnvironment = false
    }

    package var description: String { "\(act.rawValue) \(object)" }

    /// A path as a client writes it, relative to the workspace if it is. What it says, not what it leads to: that
    /// is the cell's to find out, and to keep inside.
    package static func path(_ act: Act, _ path: String) -> Permission {
        // By bytes, as the kernel does: to Swift a slash and a combining accent behind it are one character.
        let slash = UInt8(ascii: "/")
        let whole = path.utf8.first == slash ? path : "/workspace/" + path
        var parts: [Substring] = []
        for part in whole.utf8.split(separator: slash).map(Substring.init)
        where !part.utf8.elementsEqual(".".utf8) {
            if part.utf8.elementsEqual("..".utf8) { _ = parts.popLast() } else { parts.append(part) }
        }
        return Permission(act, "/" + parts.joined(separator: "/"))
    }
}
