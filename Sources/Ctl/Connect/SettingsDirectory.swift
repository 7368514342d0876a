// Where files of settings are put: each as a whole, on disk before it gets its name. Who changed it meanwhile wins.

import Linux

struct SettingsDirectory: ~Copyable {
    private let directory: OwnedFD
    let path: String

    /// It is made when it is not there.
    static func open(of file: SettingsFile) throws(CtlFault) -> SettingsDirectory {
        let path = file.directory
        do throws(SystemError) {
            let directory = try open(path)
            if isTrusted(try directory.status()) {
                return SettingsDirectory(directory: directory, path: path)
            }
        } catch {
            throw .failed("\(error)")
        }
        throw .failed("\(path): others than you could change this directory (chown, chmod go-w)")
    }

    private init(directory: consuming OwnedFD, path: String) {
        self.directory = directory
        self.path = path
    }

    private static func open(_ path: String) throws(SystemError) -> OwnedFD {
        do throws(SystemError) {
            return try File.open(path, .directory)
        } catch {
            guard error.errno == .notFound, let slash = path.lastIndex(of: "/"), slash > path.startIndex,
                File.kind(of: path) == nil
            else { throw error }
            let above = try open(String(path[..<slash]))
            // What others could put there is looked at by whoever asked.
            guard isTrusted(try above.status()) else { return above }
            try File.makeDirectory(path, mode: 0o700)
            return try File.open(path, [.directory, .noFollow])
        }
    }

    /// A group that has the user's own name is nobody else's on the distributions that make one.
    private static func isTrusted(_ status: FileStatus) -> Bool {
        guard status.uid == Process.userID || status.uid == 0, status.mode & 0o002 == 0 else { return false }
        guard status.mode & 0o020 != 0 else { return true }
        let group = Accounts.groupName(status.gid)
        return group != nil && group == Accounts.user(Process.userID)?.name
    }

    // MARK: Files in it

    func read(_ name: String) throws(CtlFault) -> SettingsFile { try .read(path + "/" + name) }

    /// Beside the file, under the first such name that is free.
    func keep(_ file: SettingsFile) throws(CtlFault) -> String {
        for number in 1...Self.mostBackups {
            let name = Self.backup(of: file.name, number)
            do throws(SystemError) {
                try put(file.bytes ?? [], as: name, like: file.status)
                return path + "/" + name
            } catch {
                guard error.errno == .exists else { throw .failed("\(path)/\(name): \(error)") }
            }
        }
        throw .failed(
            "\(path): there are \(Self.mostBackups) earlier files already; remove those named \(file.name).cloister-backup"
        )
    }

    private static let mostBackups = 100

    private static func backup(of name: String, _ number: Int) -> String {
        name + ".cloister-backup" + (number == 1 ? "" : "-\(number)")
    }

    /// The earlier files, the latest first.
    func backups(of name: String) throws(CtlFault) -> [SettingsFile] {
        var found: [SettingsFile] = []
        for number in 1...Self.mostBackups {
            let backup = path + "/" + Self.backup(of: name, number)
            guard File.kind(of: backup) == .other, let file = try? SettingsFile.read(backup) else { continue }
            found.append(file)
        }
        return found.reversed()
    }

    /// In place of the file that was read.
    func replace(_ file: SettingsFile, with bytes: [UInt8]) throws(CtlFault) {
        let temporary = ".\(file.name).cloister-\(Process.id)"
        do throws(SystemError) {
            try put(bytes, as: temporary, like: file.status)
        } catch {
            throw .failed("\(path)/\(temporary): \(error)")
        }
        do throws(CtlFault) {
            try check(file)
            try rename(temporary, file)
        } catch {
            try? directory.removeFile(Self.fileName(temporary))
            throw error
        }
    }

    private func rename(_ temporary: String, _ file: SettingsFile) throws(CtlFault) {
        do throws(SystemError) {
            try directory.rename(
                Self.fileName(temporary), to: directory, Self.fileName(file.name),
                file.status == nil ? .notReplacing : .replacing)
            try directory.sync()
        } catch {
            throw .failed(error.errno == .exists ? "\(file.path): \(SettingsFile.changed)" : "\(error)")
        }
    }

    func remove(_ file: SettingsFile) throws(CtlFault) {
        try check(file)
        do throws(SystemError) {
            try directory.removeFile(Self.fileName(file.name))
            try directory.sync()
        } catch {
            throw .failed("\(error)")
        }
    }

    private func check(_ file: SettingsFile) throws(CtlFault) {
        if isChanged(file) { throw .failed("\(file.path): \(SettingsFile.changed)") }
    }

    private func isChanged(_ file: SettingsFile) -> Bool {
        let now = try? directory.status(of: Self.fileName(file.name))
        guard let now, let status = file.status else { return (now == nil) != (file.status == nil) }
        return !now.isUnchanged(since: status)
    }

    /// A new file with the owner and the mode of another one. What is secret in it is not to be seen before.
    private func put(_ bytes: [UInt8], as name: String, like status: FileStatus?) throws(SystemError) {
        let file = try directory.open(
            Self.fileName(name), [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600)
        do throws(SystemError) {
            try file.writeAll(bytes.span, at: 0)
            if let status {
                if try file.status().gid != status.gid { try file.setGroup(status.gid) }
                try file.setMode(status.mode)
            }
            try file.syncData()
        } catch {
            try? directory.removeFile(Self.fileName(name))
            throw error
        }
    }

    private static func fileName(_ name: String) -> FileName {
        guard let name = FileName(Array(name.utf8)) else { preconditionFailure("a path has no NUL in it") }
        return name
    }
}
