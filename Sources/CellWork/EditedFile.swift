import Cells
import Linux

/// A file that is changed as a whole in memory, and written back if it is still what was read.
final class EditedFile {
    let old: [UInt8]
    var new: [UInt8]

    private let location: Location
    private let entry: Location.Entry
    private let file: OpenFile
    private var temporary: TemporaryFile?

    init(_ location: Location, isDryRun: Bool = false) throws(CellFailure) {
        self.location = location
        entry =
            isDryRun
            ? try location.followedEntry(for: .read) : try location.followedEntry(for: .read, .write)
        let (entry, path) = (entry, location)
        let flags: File.OpenFlags = [.readOnly, .nonBlocking, .noTerminal, .noFollow]
        let file = try path.failing { () throws(SystemError) in
            try OpenFile(entry.directory.fd.open(entry.name, flags))
        }
        self.file = file
        try location.requireRegular(file.status)
        guard file.status.size <= UInt64(FileLimits.mostEdited) else { throw Self.tooLarge(location) }
        old = try location.failing { () throws(SystemError) in
            try file.fd.readBytes(FileLimits.mostEdited + 1, at: 0)
        }
        guard old.count <= FileLimits.mostEdited else { throw Self.tooLarge(location) }
        new = old
    }

    static func tooLarge(_ location: Location) -> CellFailure {
        CellFailure(
            .tooLarge, path: location.path,
            "\(location.path) is larger than the \(FileLimits.mostEdited >> 20) MB that are edited at once.")
    }

    /// Everything but the renaming.
    func prepare() throws(CellFailure) {
        temporary = try location.failing { () throws(SystemError) in
            let temporary = try TemporaryFile(for: entry, mode: 0o600)
            try temporary.fd.setMode(file.status.mode & 0o777)
            let content = new
            try temporary.write(content.span, at: 0)
            return temporary
        }
    }

    func commit() throws(CellFailure) {
        try requireUnchanged()
        try location.failing { () throws(SystemError) in try temporary?.putInPlace(replacing: true) }
    }

    func requireUnchanged() throws(CellFailure) {
        let now = try location.failing { () throws(SystemError) in try entry.status() }
        guard let now, now.isUnchanged(since: file.status) else { throw changedMeanwhile() }
    }

    func changedMeanwhile() -> CellFailure {
        CellFailure(
            .changedMeanwhile, path: location.path,
            "\(location.path) was changed by somebody else meanwhile. Nothing was changed; read it again.")
    }

    // MARK: Together with others

    /// The new content is in place, and the old one can still come back.
    func exchange() throws(CellFailure) {
        try requireUnchanged()
        try location.failing { () throws(SystemError) in try temporary?.exchange() }
    }

    func exchangeBack() { try? temporary?.exchange() }
}
