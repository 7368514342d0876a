// New content on its way to a name: a hidden file beside that name, which goes when its owner goes, unless
// it was put in place. It has a name (and is not an O_TMPFILE) because only a name can replace another one
// at once; a cell that is killed in between leaves that name behind.
//
// Putting it in place by exchange keeps the old file under the hidden name until the owner goes, so that
// several files can still be put back.

import Linux

final class TemporaryFile {
    let entry: Location.Entry
    let fd: OwnedFD
    private let temporary: FileName
    private var isHere = true

    /// For the entry's place; the mode is what the umask leaves of it.
    init(for entry: Location.Entry, mode: UInt16 = 0o666) throws(SystemError) {
        self.entry = entry
        temporary = Self.freshName()
        fd = try entry.directory.fd.open(
            temporary, [.readWrite, .create, .exclusive, .noFollow], mode: UInt32(mode))
    }

    deinit {
        if isHere { try? entry.directory.fd.removeFile(temporary) }
    }

    static func freshName() -> FileName {
        let number = String(UInt64.random(in: .min ... .max), radix: 36)
        return FileName(Array(".cloister-\(number).tmp".utf8))!
    }

    func write(_ bytes: Span<UInt8>, at offset: UInt64) throws(SystemError) {
        try fd.writeAll(bytes, at: offset)
    }

    /// For good.
    func putInPlace(replacing: Bool) throws(SystemError) {
        let directory = entry.directory
        try directory.fd.rename(
            temporary, to: directory.fd, entry.name, replacing ? .replacing : .notReplacing)
        isHere = false
    }

    // MARK: So that it can be taken back

    /// The file that was there lives on under the hidden name.
    func exchange() throws(SystemError) {
        try entry.directory.fd.rename(temporary, to: entry.directory.fd, entry.name, .exchanging)
    }

    func takeBack() throws(SystemError) {
        try entry.directory.fd.rename(entry.name, to: entry.directory.fd, temporary, .notReplacing)
        isHere = true
    }
}
