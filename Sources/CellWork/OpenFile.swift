import Linux

/// A file that is open, and what it was when it was opened.
final class OpenFile {
    let fd: OwnedFD
    let status: FileStatus

    init(_ fd: consuming OwnedFD) throws(SystemError) {
        status = try fd.status()
        self.fd = fd
    }
}
