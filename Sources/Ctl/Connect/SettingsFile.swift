// A file of a user's settings, which its application may write at any time, too.
//
// What it says is run by an application, as its user. So it has to be that user's, in a directory in which nobody else
// can put another one. A link is followed once, when the file is read: what is written is the file behind it, so that
// the link stays which somebody has made.

import Linux

struct SettingsFile {
    /// Where it is, behind all links.
    let path: String
    /// `nil`: there is none.
    let bytes: [UInt8]?
    let status: FileStatus?

    private static let mostBytes: UInt64 = 64 << 20

    static func read(_ path: String) throws(CtlFault) -> SettingsFile {
        let found: Found
        do throws(SystemError) {
            found = try find(path)
        } catch {
            throw .failed("\(error)")
        }
        switch found {
        case .file(let file): return file
        case .wrong(let problem): throw .failed("\(path): \(problem)")
        }
    }

    private enum Found {
        case file(SettingsFile)
        case wrong(String)
    }

    private static func find(_ path: String) throws(SystemError) -> Found {
        do throws(SystemError) {
            // A pipe would keep us waiting for who writes it.
            let file = try File.open(path, [.readOnly, .nonBlocking, .noTerminal])
            let status = try file.status()
            if let problem = problem(with: status) { return .wrong(problem) }
            let bytes = try file.readBytes(Int(status.size) + 1, at: 0)
            guard try file.status().isUnchanged(since: status), bytes.count == Int(status.size) else {
                return .wrong(changed)
            }
            let real = file.currentPath.map { String(decoding: $0, as: UTF8.self) }
            return .file(SettingsFile(path: real ?? path, bytes: bytes, status: status))
        } catch {
            guard error.errno == .notFound else { throw error }
            guard File.kind(of: path) == nil else {
                return .wrong("this is a link to something that is not there")
            }
            return .file(SettingsFile(path: path, bytes: nil, status: nil))
        }
    }

    private static func problem(with status: FileStatus) -> String? {
        if status.kind != .regular { return "this is not a file" }
        if status.uid != Process.userID { return "this file belongs to another user" }
        if status.links > 1 {
            return "this file has several names (hard links), of which only one would change"
        }
        if status.size > mostBytes { return "this file is larger than \(mostBytes >> 20) MB" }
        return nil
    }

    static let changed = "somebody else has changed this file meanwhile, and nothing was written"

    var directory: String {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
}
