import Foundation
import Glibc

/// A directory that goes with its owner. Its path is short: a socket's may have 107 bytes only.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() throws {
        var template = Array("/tmp/cloister-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw TestFault("mkdtemp failed: \(errno)") }
        path = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A copy in here: where it was built, other users may not look. Made by another process, because a
    /// program that somebody has open for writing cannot be executed ("text file busy"), and here a child
    /// that another test is starting could have it.
    package func copy(of program: Executable) throws -> String {
        let copy = path + "/" + program.rawValue
        let end = try Launch("/bin/cp", [program.path, copy]).run()
        guard end.status == .exited(0) else { throw TestFault("cp: \(end.errors)") }
        return copy
    }

    /// A directory of policy in here that allows everybody these permissions.
    package func policy(allowing permissions: String) throws -> String {
        let policy = path + "/policy.d"
        try FileManager.default.createDirectory(atPath: policy, withIntermediateDirectories: true)
        try "clients: [{name: all, rules: [{allow: [\(permissions)]}]}]\n"
            .write(toFile: policy + "/10-test.yaml", atomically: false, encoding: .utf8)
        return policy
    }

    /// Every user may go in, and find what is there.
    package func open() throws {
        guard unsafe chmod(path, 0o755) == 0 else { throw TestFault("chmod: \(errno)") }
    }

    /// A user without privileges may work in here.
    package func giveAway(to user: uid_t) throws {
        guard unsafe chown(path, user, gid_t.max) == 0 else { throw TestFault("chown: \(errno)") }
    }
}

/// What a test needs did not happen.
package struct TestFault: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
