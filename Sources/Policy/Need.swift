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

    package static func tool(_ name: String) -> Need { Need(.tool, .name(name)) }

    package var description: String {
        switch object {
        case .path(let bytes): "\(permission) \(String(decoding: bytes, as: UTF8.self))"
        case .command(let words): "\(permission) \(words.joined(separator: " "))"
        case .name(let name): "\(permission) \(name)"
        }
    }
}
