// Copying a file, or a directory with what is in it.
//
// The copy is made under a hidden name beside the new one and renamed when it is whole; it goes when the
// job is dropped. Holes stay holes, and the kernel shares blocks where the file system can. Permission
// bits are kept, owners, times and other names of the same file (hard links) are not. In a tree symbolic
// links are copied as they are, and a named one is followed; pipes, sockets and devices are refused.

import Cells
import Linux

final class CopyJob: FileJob {
    private let request: FileRequest.Transfer
    private let from: Location
    private let to: Location
    private var file: FileCopy?
    private var tree: TreeCopy?

    init(_ request: FileRequest.Transfer, from: Location, to: Location) throws(CellFailure) {
        (self.request, self.from, self.to) = (request, from, to)
        try to.requireWritable()
    }

    func step() throws(CellFailure) -> FileResult? {
        if let file {
            guard try to.failing({ () throws(SystemError) in try file.step() }) else { return nil }
            try to.failing { () throws(SystemError) in
                try file.target.putInPlace(replacing: request.overwrite)
            }
            return .done(entries: 1, bytes: file.copied)
        }
        if let tree {
            guard try tree.step() else { return nil }
            return .done(entries: tree.entries, bytes: tree.copied)
        }
        try begin()
        return nil
    }

    private func begin() throws(CellFailure) {
        let source = try from.openAny()
        let target = try to.followedEntry(for: .write)
        let present = try to.failing { () throws(SystemError) in try target.status() }
        if let present {
            guard request.overwrite, present.kind == .regular, source.status.kind == .regular else {
                throw exists(present)
            }
            if present.identity == source.status.identity {
                throw CellFailure(.invalid, path: to.path, "\(from.path) and \(to.path) are the same file.")
            }
        }
        if source.status.kind == .directory {
            tree = try TreeCopy(from.openDirectory(), from, target, to)
        } else {
            try from.requireRegular(source.status)
            file = try to.failing { () throws(SystemError) in try FileCopy(of: source, to: target) }
        }
    }

    private func exists(_ present: FileStatus) -> CellFailure {
        let remedy =
            present.kind == .regular
            ? " Ask for it to be overwritten." : " Only a file is overwritten, by a file."
        return CellFailure(
            .exists, path: to.path, "\(to.path) exists already, as a \(present.kind.words)." + remedy)
    }
}
