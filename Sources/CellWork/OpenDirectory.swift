import Linux

/// A directory that is open, for as long as anybody has it.
final class OpenDirectory: Sendable {
    let fd: OwnedFD
    let identity: FileIdentity

    init(_ fd: consuming OwnedFD) throws(SystemError) {
        identity = try fd.status().identity
        self.fd = fd
    }

    /// One name below; a symbolic link in its place is refused (ENOTDIR or ELOOP).
    func child(_ name: FileName, enteringMounts: Bool = true) throws(SystemError) -> OpenDirectory {
        var resolve: OwnedFD.Resolve = [.beneath, .noMagicLinks, .noSymbolicLinks]
        if !enteringMounts { resolve.insert(.noMounts) }
        return try OpenDirectory(fd.open(name, [.readOnly, .directory, .noFollow], resolve: resolve))
    }
}
