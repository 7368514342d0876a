import Foundation
import Glibc
import Linux
import TestSupport
import Testing

@testable import Daemon

struct StandaloneTests {
    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    private var directory: String { place.path + "/cloister" }

    private func mode(_ path: String) throws -> mode_t {
        var status = stat()
        try #require(unsafe lstat(path, &status) == 0)
        return status.st_mode
    }

    private func fault(_ directory: String) -> String? {
        do throws(Standalone.Fault) {
            _ = try Standalone.claim(directory)
            return nil
        } catch {
            return error.description
        }
    }

    /// Claims the directory of one that is gone. Its descriptors may live on for a moment: a child process
    /// that another test starts meanwhile holds copies until it executes its program.
    private func claimAgain() throws -> Standalone {
        let deadline = Deadline()
        while true {
            do throws(Standalone.Fault) {
                return try Standalone.claim(directory)
            } catch {
                if deadline.hasPassed { throw error }
                letTimePass(.milliseconds(2))
            }
        }
    }

    private func canConnect(_ path: String) -> Bool { (try? UnixSocket.connect(to: path)) != nil }

    @Test func `it makes its directory, its lock and its socket`() throws {
        let standalone = try Standalone.claim(directory)
        #expect(standalone.socketPath == directory + "/mcp.sock")
        let listening = try standalone.listen()
        #expect(try mode(directory) & S_IFMT == S_IFDIR)
        #expect(try mode(directory + "/lock") & 0o777 == 0o600)
        // Anyone may connect, whatever the umask says.
        #expect(try mode(standalone.socketPath) == S_IFSOCK | 0o666)
        #expect(canConnect(standalone.socketPath))
        _ = consume listening
        standalone.removeSocket()
        #expect(!FileManager.default.fileExists(atPath: directory + "/mcp.sock"))
        #expect(FileManager.default.fileExists(atPath: directory + "/lock"))
    }

    @Test func `a second claim is refused for as long as the first one lives`() throws {
        let first = try Standalone.claim(directory)
        let listening = try first.listen()
        #expect(fault(directory) == "another cloisterd serves \(directory) already")
        // And it has taken nothing away.
        #expect(canConnect(first.socketPath))
        _ = consume listening
        _ = consume first
        _ = try claimAgain()
    }

    @Test func `a directory that is there already will do`() throws {
        try File.makeDirectory(directory, mode: 0o700)
        #expect(fault(directory) == nil)
        #expect(try mode(directory) & 0o777 == 0o700)
    }

    @Test func `a socket that a dead daemon left is replaced`() throws {
        let dead = try Standalone.claim(directory)
        _ = try dead.listen()
        let path = dead.socketPath
        _ = consume dead
        try Deadline().wait(for: "the end of the socket") { !canConnect(path) }
        let standalone = try claimAgain()
        let listening = try standalone.listen()
        #expect(canConnect(path))
        _ = consume listening
    }

    @Test func `a path too long for a socket is refused with its limit`() throws {
        let long = "/tmp/" + String(repeating: "d", count: 94)
        let reason = try #require(fault(long))
        #expect(reason.hasPrefix("\(long)/control.sock is longer than a socket's path may be (107 bytes)"))
        #expect(!FileManager.default.fileExists(atPath: long))
    }

    @Test func `the longest path that a socket may have is served`() throws {
        let room = 107 - (place.path + "/" + "/control.sock").utf8.count
        let longest = place.path + "/" + String(repeating: "d", count: room)
        let standalone = try Standalone.claim(longest)
        #expect(standalone.socketPath.utf8.count == 107 - "control.sock".utf8.count + "mcp.sock".utf8.count)
        let listening = try standalone.listen()
        #expect(canConnect(standalone.socketPath))
        _ = consume listening
    }

    @Test func `a directory that cannot be is refused with the reason`() throws {
        let file = place.path + "/file"
        _ = try File.open(file, [.readWrite, .create], mode: 0o600)
        #expect(try #require(fault(file)).hasSuffix("open \(file): Not a directory"))
        #expect(try #require(fault(place.path + "/a/b")).hasSuffix("No such file or directory"))
    }

    @Test func `a lock that is a link is not followed`() throws {
        try File.makeDirectory(directory, mode: 0o755)
        let elsewhere = place.path + "/elsewhere"
        try #require(unsafe symlink(elsewhere, directory + "/lock") == 0)
        #expect(fault(directory)?.contains("cannot use \(directory)") == true)
        #expect(!FileManager.default.fileExists(atPath: elsewhere))
    }
}
