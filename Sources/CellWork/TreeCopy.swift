import Cells
import Linux

/// A directory with what is in it, made anew under a hidden name, which becomes the new name at the end.
final class TreeCopy {
    private static let namesPerStep = 100
    static let mostEntries: UInt64 = 1_000_000
    private static let mostNames = 200_000

    private(set) var entries: UInt64 = 1
    private(set) var copied: UInt64 = 0

    private let from: Location
    private let to: Location
    private let target: Location.Entry
    private let hidden: Location.Entry
    private let source: DirectoryWay
    private let copy: DirectoryWay
    private var names: [[DirectoryEntries.Entry]] = []
    private var reader = DirectoryEntries()
    private var file: FileCopy?
    private var isInPlace = false
    /// The copy, should it be made inside of what is copied.
    private let root: FileIdentity

    init(
        _ directory: OpenDirectory, _ from: Location, _ target: Location.Entry, _ to: Location
    ) throws(CellFailure) {
        (self.from, self.to, self.target) = (from, to, target)
        let hidden = Location.Entry(directory: target.directory, name: TemporaryFile.freshName())
        self.hidden = hidden
        source = DirectoryWay(root: directory)
        let made = try to.failing { () throws(SystemError) in
            try hidden.directory.fd.makeDirectory(hidden.name, mode: 0o700)
            return try hidden.directory.child(hidden.name)
        }
        root = made.identity
        copy = DirectoryWay(root: made)
        try from.failing { () throws(SystemError) in try readNames() }
    }

    deinit {
        guard !isInPlace, let removal = try? TreeRemoval(hidden) else { return }
        while let isDone = try? removal.step(), !isDone {}
    }

    /// True when it is in place.
    func step() throws(CellFailure) -> Bool {
        if let file {
            try to.failing { () throws(SystemError) in
                guard try file.step() else { return }
                try file.target.putInPlace(replacing: false)
                copied += file.copied
                self.file = nil
            }
            return false
        }
        for _ in 0..<Self.namesPerStep {
            if let next = names[names.count - 1].popLast() {
                try begin(next)
                if file != nil { return false }
            } else if try leave() {
                return true
            }
        }
        return false
    }

    private func begin(_ next: DirectoryEntries.Entry) throws(CellFailure) {
        entries += 1
        guard entries <= Self.mostEntries else {
            throw CellFailure(
                .tooLarge, path: from.path,
                "\(from.path) has more than \(Self.mostEntries) entries, which is more than is copied at once."
            )
        }
        let name = next.name
        let parent = source.current
        // Part of a tree is not a copy of it.
        try from.policy.check([.read], parent.fd, name, in: from.place)
        try checkTarget(name)
        let status = try from.failing { () throws(SystemError) in try parent.fd.status(of: name) }
        switch status.kind {
        case .directory: try enter(name)
        case .symbolicLink:
            let link = try from.failing { () throws(SystemError) in try parent.fd.readLink(name) }
            try to.failing { () throws(SystemError) in try copy.current.fd.makeSymbolicLink(name, to: link) }
        case .regular:
            let opened = try from.failing { () throws(SystemError) in
                try OpenFile(parent.fd.open(name, [.readOnly, .nonBlocking, .noTerminal, .noFollow]))
            }
            try from.requireRegular(opened.status)
            let entry = Location.Entry(directory: copy.current, name: name)
            file = try to.failing { () throws(SystemError) in try FileCopy(of: opened, to: entry) }
        default:
            throw CellFailure(
                .specialFile, path: from.path,
                "\(from.path) contains a \(status.kind.words), \(name), and that cannot be copied.")
        }
    }

    /// Under the name that it is to have, and not the hidden one.
    private func checkTarget(_ name: FileName) throws(CellFailure) {
        guard !to.policy.isPermissive else { return }
        var path = try to.place.certainPath(of: target.directory.fd, target.name)
        for part in copy.names + [name] {
            path.append(UInt8(ascii: "/"))
            path += part.bytes
        }
        try to.policy.check([.write], path)
    }

    private func enter(_ name: FileName) throws(CellFailure) {
        try from.failing { () throws(SystemError) in
            try source.descend(name)
            try readNames()
        }
        guard source.current.identity != root else {
            throw CellFailure(.invalid, path: to.path, "\(from.path) cannot be copied into itself.")
        }
        try to.failing { () throws(SystemError) in
            try copy.current.fd.makeDirectory(name, mode: 0o700)
            try copy.descend(name)
        }
    }

    /// Out of a directory that is done; true out of the last one.
    private func leave() throws(CellFailure) -> Bool {
        let mode = try from.failing { () throws(SystemError) in try source.current.fd.status().mode & 0o777 }
        return try to.failing { () throws(SystemError) in
            try copy.current.fd.setMode(mode)
            names.removeLast()
            guard names.isEmpty else {
                _ = try copy.ascend()
                _ = try source.ascend()
                return false
            }
            try hidden.directory.fd.rename(hidden.name, to: target.directory.fd, target.name, .notReplacing)
            isInPlace = true
            return true
        }
    }

    private func readNames() throws(SystemError) {
        var read: [DirectoryEntries.Entry] = []
        while try reader.read(from: source.current.fd, into: &read), read.count < Self.mostNames {}
        guard read.count < Self.mostNames else { throw SystemError("getdents64", .outOfMemory) }
        names.append(read)
    }
}
