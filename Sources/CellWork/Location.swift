import Cells
import Linux

/// A path in a place, which nobody has looked at yet.
package struct Location: Sendable {
    package let place: Place
    /// Below the place, without `.` and `..`; none for the place itself.
    package let parts: [[UInt8]]
    /// As the client wrote it.
    package let path: String
    let policy: FilePolicy

    init(place: Place, parts: [[UInt8]], path: String, policy: FilePolicy) {
        (self.place, self.parts, self.path, self.policy) = (place, parts, path, policy)
    }

    /// What was written, without looking: so that nothing is made on the way to what is denied.
    private func checkText(_ accesses: [FilePolicy.Access]) throws(CellFailure) {
        guard !policy.isPermissive else { return }
        try policy.check(
            accesses, parts.reduce(into: Array(place.path.utf8)) { $0 += [UInt8(ascii: "/")] + $1 })
    }

    package var isPlace: Bool { parts.isEmpty }

    /// For the kernel, from the place's descriptor.
    package var relative: FileName { Self.name(parts) }

    private static func name(_ parts: some Collection<[UInt8]>) -> FileName {
        // Parts come out of a path without NUL.
        FileName(parts.isEmpty ? Array(".".utf8) : Array(parts.joined(separator: [UInt8(ascii: "/")])))!
    }

    func failure(_ error: SystemError) -> CellFailure { CellFailure(error, at: path, in: place) }

    /// What the body does is done to this path.
    func failing<Result>(_ body: () throws(SystemError) -> Result) throws(CellFailure) -> Result {
        do throws(SystemError) { return try body() } catch { throw failure(error) }
    }

    /// Early and in words; the kernel would refuse it later.
    func requireWritable() throws(CellFailure) {
        if !place.isWritable { throw CellFailure.readOnly(path, in: place) }
    }

    func openDirectory() throws(CellFailure) -> OpenDirectory {
        let directory: OpenDirectory
        do throws(SystemError) {
            directory = try OpenDirectory(place.directory.fd.open(relative, [.readOnly, .directory]))
        } catch {
            throw failure(error)
        }
        try policy.check([.read], directory.fd, in: place)
        return directory
    }

    /// A file of any kind, or a directory, for reading. It does not block whatever it is.
    func openAny() throws(CellFailure) -> OpenFile {
        let file: OpenFile
        do throws(SystemError) {
            file = try OpenFile(
                place.directory.fd.open(relative, [.readOnly, .nonBlocking, .noTerminal]))
        } catch {
            throw failure(error)
        }
        try policy.check([.read], file.fd, in: place)
        return file
    }

    func openRegular() throws(CellFailure) -> OpenFile {
        let file = try openAny()
        try requireRegular(file.status)
        return file
    }

    func requireRegular(_ status: FileStatus) throws(CellFailure) {
        switch status.kind {
        case .regular: return
        case .directory: throw CellFailure(.notAFile, path: path, "\(path) is a directory.")
        default:
            throw CellFailure(
                .specialFile, path: path,
                "\(path) is a \(status.kind.words), and only regular files are read and written.")
        }
    }

    // MARK: The parent and the last part

    /// What names a file in a directory that is open: for every act upon the name itself.
    struct Entry {
        let directory: OpenDirectory
        let name: FileName

        func status() throws(SystemError) -> FileStatus? {
            do throws(SystemError) {
                return try directory.fd.status(of: name)
            } catch {
                if error.errno == .notFound { return nil }
                throw error
            }
        }
    }

    /// The entry itself, even where it is a symbolic link.
    func entry(
        for accesses: FilePolicy.Access..., making made: MadeDirectories? = nil
    ) throws(CellFailure) -> Entry {
        try checkText(accesses)
        let entry = try plainEntry(making: made)
        try policy.check(accesses, entry.directory.fd, entry.name, in: place)
        return entry
    }

    private func plainEntry(making made: MadeDirectories?) throws(CellFailure) -> Entry {
        guard let last = parts.last else {
            throw CellFailure(.invalid, path: path, "\(path) is a place of the cell, which stays as it is.")
        }
        let parent = Self.name(parts.dropLast())
        do throws(SystemError) {
            let directory =
                if let made { try makeDirectories(parts.dropLast(), made) } else { try openPath(parent) }
            return Entry(directory: directory, name: FileName(last)!)
        } catch {
            throw failure(error)
        }
    }

    /// Of a symbolic link, the entry that it leads to, which need not exist. Links are followed one by one,
    /// each from the place and beneath it.
    func followedEntry(
        for accesses: FilePolicy.Access..., making made: MadeDirectories? = nil
    ) throws(CellFailure) -> Entry {
        if made != nil { try checkText(accesses) }
        let entry = try followedEntry(making: made)
        try policy.check(accesses, entry.directory.fd, entry.name, in: place)
        return entry
    }

    private func followedEntry(making made: MadeDirectories?) throws(CellFailure) -> Entry {
        var entry = try plainEntry(making: made)
        var way: [[UInt8]] = parts.dropLast()
        for _ in 0..<40 {
            do throws(SystemError) {
                guard try entry.status()?.kind == .symbolicLink else { return entry }
                let target = try entry.directory.fd.readLink(entry.name).bytes
                guard target.first != UInt8(ascii: "/") else { throw SystemError("openat2", .crossesDevice) }
                // `..` stays in it: what it means is for the kernel to say.
                way += target.split(separator: UInt8(ascii: "/")).map { Array($0) }
                guard let last = way.popLast(), !last.elementsEqual("..".utf8), !last.elementsEqual(".".utf8)
                else { throw SystemError("openat2", .isDirectory) }
                entry = Entry(directory: try openPath(Self.name(way)), name: FileName(last)!)
            } catch {
                throw failure(error)
            }
        }
        throw failure(SystemError("openat2", .tooManyLinks))
    }

    private func openPath(_ path: FileName) throws(SystemError) -> OpenDirectory {
        try OpenDirectory(place.directory.fd.open(path, [.path, .directory]))
    }

    /// As `mkdir -p`: from the deepest one that exists.
    private func makeDirectories(
        _ parts: some BidirectionalCollection<[UInt8]>, _ made: MadeDirectories
    ) throws(SystemError) -> OpenDirectory {
        let parts = Array(parts)
        var existing = parts.count
        var directory: OpenDirectory?
        while directory == nil {
            do throws(SystemError) {
                directory = try openPath(Self.name(parts[..<existing]))
            } catch {
                guard error.errno == .notFound, existing > 0 else { throw error }
                existing -= 1
            }
        }
        var deepest = directory!
        for part in parts[existing...] {
            let name = FileName(part)!
            do throws(SystemError) {
                try deepest.fd.makeDirectory(name, mode: 0o777)
                made.add(Entry(directory: deepest, name: name))
            } catch {
                if error.errno != .exists { throw error }
            }
            deepest = try deepest.child(name)
        }
        return deepest
    }
}

extension FileStatus.Kind {
    var words: String {
        switch self {
        case .regular: "regular file"
        case .directory: "directory"
        case .symbolicLink: "symbolic link"
        case .fifo: "named pipe"
        case .socket: "socket"
        case .characterDevice: "character device"
        case .blockDevice: "block device"
        case .unknown: "file of an unknown kind"
        }
    }

    var shown: FileResult.FileKind { FileResult.FileKind(rawValue: rawValue) ?? .unknown }
}
