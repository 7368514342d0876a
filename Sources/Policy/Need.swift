import Cells

/// Something that a call needs to be allowed.
package struct Need: Hashable, Sendable, CustomStringConvertible {
    package enum Object: Hashable, Sendable {
        /// Absolute, by its bytes.
        case path([UInt8])
        case command([String])
        /// Of a program, a tool, a host, or whatever a module says.
        case name(String)
    }

    package let permission: PermissionName
    package let object: Object

    package init(_ permission: PermissionName, _ object: Object) {
        (self.permission, self.object) = (permission, object)
    }

    package static func path(_ permission: PermissionName, _ path: String) -> Need {
        Need(permission, .path(Array(path.utf8)))
    }

    /// A program of the system's own directories is called by its name, however it was written.
    package static func program(_ name: String) -> Need { Need(.codeExecution, .name(plain(program: name))) }

    static func plain(program: String) -> String {
        for directory in [
            "/usr/local/bin/", "/usr/bin/", "/bin/", "/usr/local/sbin/", "/usr/sbin/", "/sbin/",
        ]
        where program.hasPrefix(directory) {
            let name = program.dropFirst(directory.count)
            if !name.isEmpty, !name.contains("/") { return String(name) }
        }
        return program
    }

    /// On most machines one directory has two names.
    static func whole(program: String) -> String {
        for directory in ["/bin/", "/sbin/"] where program.utf8.starts(with: directory.utf8) {
            return "/usr" + program
        }
        return program
    }

    package static func tool(_ name: String) -> Need { Need(.tool, .name(name)) }

    package var description: String {
        "\(permission) \(shownObject)"
    }

    package var shownObject: String {
        switch object {
        case .path(let bytes): String(decoding: bytes, as: UTF8.self)
        case .command(let words): ShellWords.quoted(words)
        case .name(let name): name
        }
    }
}
