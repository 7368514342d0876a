// Writing a whole file, or at the end of one.
//
// A whole file is written beside its name and renamed over it: nobody sees half of it, and a failure
// leaves what was there. It keeps the permission bits of what it replaces; it does not keep other
// names of the same file (hard links), its owner where that is somebody else, or extended attributes. A
// symbolic link stays, and what it leads to is written. Appending is not atomic, but what could not be
// written whole is taken away again.

import Cells
import Linux

final class WriteJob: FileJob {
    private static let chunk = 1 << 20

    private let request: FileRequest.Write
    private let location: Location
    private let parents = MadeDirectories()
    private var temporary: TemporaryFile?
    private var isNew = true
    private var done = 0

    init(_ request: FileRequest.Write, at location: Location) throws(CellFailure) {
        (self.request, self.location) = (request, location)
        try location.requireWritable()
    }

    deinit {
        temporary = nil
        parents.remove()
    }

    func step() throws(CellFailure) -> FileResult? {
        if request.disposition != .append, let temporary {
            return try location.failing { () throws(SystemError) in try write(to: temporary) }
        }
        let entry = try location.followedEntry(
            for: .write, making: request.makeParents ? parents : nil)
        let present = try location.failing { () throws(SystemError) in try entry.status() }
        if let present { try location.requireRegular(present) }
        isNew = present == nil
        if request.disposition == .append {
            return try location.failing { () throws(SystemError) in try append(to: entry) }
        }
        if request.disposition == .create, !isNew {
            throw CellFailure(
                .exists, path: location.path,
                "\(location.path) exists already. Write it with overwrite or append, or edit it.")
        }
        try location.failing { () throws(SystemError) in
            let new = try TemporaryFile(for: entry, mode: request.mode ?? 0o666)
            if let mode = request.mode ?? present.map({ $0.mode & 0o777 }) { try new.fd.setMode(mode) }
            temporary = new
        }
        return nil
    }

    private func write(to temporary: TemporaryFile) throws(SystemError) -> FileResult? {
        let data = request.data
        let end = min(done + Self.chunk, data.count)
        try temporary.write(data.span.extracting(done..<end), at: UInt64(done))
        done = end
        guard done == data.count else { return nil }
        try temporary.putInPlace(replacing: request.disposition == .overwrite)
        parents.keep()
        return .written(bytes: UInt64(done), isNew: isNew)
    }

    private func append(to entry: Location.Entry) throws(SystemError) -> FileResult {
        let flags: File.OpenFlags = [.writeOnly, .append, .create, .nonBlocking, .noTerminal, .noFollow]
        let file = try OpenFile(
            entry.directory.fd.open(entry.name, flags, mode: UInt32(request.mode ?? 0o666)))
        guard file.status.kind == .regular else { throw SystemError("openat2", .noDevice, location.path) }
        do throws(SystemError) {
            let data = request.data
            while done < data.count {
                done += try file.fd.write(data.span.extracting(done...)) ?? 0
            }
        } catch {
            // Unless somebody else has appended since.
            if done > 0, (try? file.fd.status().size) == file.status.size + UInt64(done) {
                try? file.fd.truncate(to: file.status.size)
            }
            throw error
        }
        parents.keep()
        return .written(bytes: UInt64(done), isNew: isNew)
    }
}
