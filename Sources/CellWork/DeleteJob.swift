// Deleting a name: a file, a symbolic link itself, or a directory with all that is in it. A tree goes from
// its leaves up, in the order of the kernel, and what is gone is gone when the job is dropped halfway.

import Cells
import Linux

final class DeleteJob: FileJob {
    private let location: Location
    private let isRecursive: Bool
    private var entry: Location.Entry?
    private var tree: TreeRemoval?

    init(_ location: Location, isRecursive: Bool) throws(CellFailure) {
        (self.location, self.isRecursive) = (location, isRecursive)
        try location.requireWritable()
    }

    func step() throws(CellFailure) -> FileResult? {
        if let tree {
            let isDone = try location.failing { () throws(SystemError) in try tree.step() }
            return isDone ? .done(entries: tree.removed, bytes: 0) : nil
        }
        let entry = try location.entry(for: .write)
        let isDirectory = try location.failing { () throws(SystemError) in
            guard try entry.directory.fd.status(of: entry.name).kind == .directory else {
                try entry.directory.fd.removeFile(entry.name)
                return false
            }
            return true
        }
        guard isDirectory else { return .done(entries: 1, bytes: 0) }
        guard isRecursive else { return try removeEmpty(entry) }
        tree = try location.failing { () throws(SystemError) in try TreeRemoval(entry) }
        // All of it before any of it: what stands deeper may be denied though the directory is not.
        try location.checkTree(entry, for: .write)
        return nil
    }

    private func removeEmpty(_ entry: Location.Entry) throws(CellFailure) -> FileResult {
        do throws(SystemError) {
            try entry.directory.fd.removeDirectory(entry.name)
            return .done(entries: 1, bytes: 0)
        } catch {
            var failure = location.failure(error)
            if error.errno == .notEmpty { failure.message += " Ask for it to be deleted recursively." }
            throw failure
        }
    }
}

/// A directory and everything below it, a piece at a time.
final class TreeRemoval {
    private static let namesPerStep = 500

    private(set) var removed: UInt64 = 0
    private let entry: Location.Entry
    private let way: DirectoryWay
    private var names: [[DirectoryEntries.Entry]] = [[]]
    private var reader = DirectoryEntries()

    init(_ entry: Location.Entry) throws(SystemError) {
        self.entry = entry
        let root: OpenDirectory
        do throws(SystemError) {
            root = try entry.directory.child(entry.name, enteringMounts: false)
        } catch {
            throw Self.explained(error)
        }
        way = DirectoryWay(root: root, entersMounts: false)
    }

    /// True when it is gone.
    func step() throws(SystemError) -> Bool {
        for _ in 0..<Self.namesPerStep {
            let level = names.count - 1
            if let next = names[level].popLast() {
                try remove(next)
            } else if try reader.read(from: way.current.fd, into: &names[level]) {
                continue
            } else if level > 0 {
                let name = try way.ascend()
                try way.current.fd.removeDirectory(name)
                names.removeLast()
                removed += 1
            } else {
                try entry.directory.fd.removeDirectory(entry.name)
                removed += 1
                return true
            }
        }
        return false
    }

    private func remove(_ next: DirectoryEntries.Entry) throws(SystemError) {
        do throws(SystemError) {
            guard next.kind != .directory else { return try enter(next.name) }
            try way.current.fd.removeFile(next.name)
            removed += 1
        } catch {
            switch error.errno {
            // A directory that was reopened gives names again that are done.
            case .notFound: break
            case .isDirectory: try enter(next.name)
            default: throw Self.explained(error)
            }
        }
    }

    /// Another tree that is mounted in this one is not a part of it.
    private static func explained(_ error: SystemError) -> SystemError {
        error.errno == .crossesDevice ? SystemError("openat2", .busy, error.object) : error
    }

    private func enter(_ name: FileName) throws(SystemError) {
        try way.descend(name)
        names.append([])
    }
}
