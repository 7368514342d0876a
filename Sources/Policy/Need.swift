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

    package static func tool(_ name: String) -> Need { Need(.tool, .name(name)) }

    package var description: String {
        switch object {
        case .path(let bytes): "\(permission) \(String(decoding: bytes, as: UTF8.self))"
        case .command(let words): "\(permission) \(words.joined(separator: " "))"
        case .name(let name): "\(permission) \(name)"
        }
    }
}
