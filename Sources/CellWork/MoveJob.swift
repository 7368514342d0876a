// Giving a file or directory another name: a symbolic link is moved itself. Between file systems a file is
// copied, and the first one deleted when the copy is in place; a directory is not, because that could be
// seen half done: the client copies and deletes it then.

import Cells
import Linux

final class MoveJob: FileJob {
    private let request: FileRequest.Transfer
    private let from: Location
    private let to: Location
    private var copy: CopyJob?

    init(_ request: FileRequest.Transfer, from: Location, to: Location) throws(CellFailure) {
        (self.request, self.from, self.to) = (request, from, to)
        try from.requireWritable()
        try to.requireWritable()
    }

    func step() throws(CellFailure) -> FileResult? {
        guard let copy else { return try rename() }
        guard case .done(_, let bytes) = try copy.step() else { return nil }
        let source = try from.entry(for: .read, .write)
        try from.failing { () throws(SystemError) in try source.directory.fd.removeFile(source.name) }
        return .done(entries: 1, bytes: bytes)
    }

    private func rename() throws(CellFailure) -> FileResult? {
        let source = try from.entry(for: .read, .write)
        let target = try to.entry(for: .write)
        if (try? source.status())?.kind == .directory {
            // What was denied where it is would not be where it goes.
            try from.checkTree(source, for: .read, .write, movedTo: (to, target))
        }
        let renaming: OwnedFD.Renaming = request.overwrite ? .replacing : .notReplacing
        do throws(SystemError) {
            try source.directory.fd.rename(source.name, to: target.directory.fd, target.name, renaming)
            return .done(entries: 1, bytes: 0)
        } catch {
            switch error.errno {
            case .crossesDevice: return try beginCopy(of: source)
            case .notFound: throw from.failure(error)
            case .invalid:
                throw CellFailure(
                    .invalid, path: to.path, call: error.call, errno: error.errno.rawValue,
                    "\(from.path) cannot be moved into itself.")
            case .busy:
                throw CellFailure(
                    .invalid, path: from.path, call: error.call, errno: error.errno.rawValue,
                    "\(from.path) or \(to.path) is a place of the cell, which stays as it is.")
            default: throw to.failure(error)
            }
        }
    }

    private func beginCopy(of source: Location.Entry) throws(CellFailure) -> FileResult? {
        let status = try from.failing { () throws(SystemError) in
            try source.directory.fd.status(of: source.name)
        }
        guard status.kind == .regular else {
            throw CellFailure(
                .invalid, path: from.path,
                "\(from.path) is a \(status.kind.words), and \(to.path) is on another file system: only files are"
                    + " moved there. Copy it, and then delete it.")
        }
        copy = try CopyJob(request, from: from, to: to)
        return nil
    }
}
