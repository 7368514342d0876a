import Foundation
import Linux
import TestSupport
import Testing

@Suite struct FileTests {
    @Test("A failed call says which, on what, and why")
    func description() {
        #expect(throws: SystemError("open", .notFound, "/nonexistent")) {
            _ = try File.open("/nonexistent")
        }
        do throws(SystemError) {
            _ = try File.open("/nonexistent")
        } catch {
            #expect("\(error)" == "open /nonexistent: No such file or directory")
        }
        #expect("\(SystemError("epoll_wait", .interrupted))" == "epoll_wait: Interrupted system call")
        #expect("\(Errno(rawValue: 5))" == "Input/output error")
    }

    @Test("A file is read whole, up to a limit", arguments: [0, 1, 4095, 4096, 4097, 100_000])
    func read(count: Int) throws {
        let directory = try TemporaryDirectory()
        let (path, bytes) = (directory.path + "/file", randomBytes(count))
        try writeFile(path, bytes)
        #expect(try File.read(path) == bytes)
        #expect(try File.read(path, limit: 4096) == Array(bytes.prefix(4096)))
        #expect(throws: SystemError("read", Errno(rawValue: 21), directory.path)) {
            _ = try File.read(directory.path)
        }
    }

    @Test("What is opened is close-on-exec; a link is not followed when that is not wanted")
    func open() throws {
        let directory = try TemporaryDirectory()
        let (file, link) = (directory.path + "/file", directory.path + "/link")
        try writeFile(file, [])
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
        #expect(isCloseOnExec(try File.open(file)) == true)
        _ = try File.open(link)
        #expect(throws: SystemError("open", Errno(rawValue: 40), link)) {
            _ = try File.open(link, .noFollow)
        }
        #expect(throws: SystemError("open", Errno(rawValue: 20), file)) {
            _ = try File.open(file, .directory)
        }
        #expect(try File.readLink(link) == file)
        #expect(throws: SystemError("readlink", .invalid, file)) { _ = try File.readLink(file) }
    }

    @Test("A lock is held by one open file, until that is closed")
    func lock() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/lock"
        let other = try File.open(path, [.readWrite, .create], mode: 0o600)
        do {
            let one = try File.open(path)
            #expect(try File.lockExclusively(one))
            #expect(try File.lockExclusively(one))
            #expect(try !File.lockExclusively(other))
        }
        #expect(try File.lockExclusively(other))
    }

    @Test("Directories and files are made and removed by their names")
    func names() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/d"
        try File.makeDirectory(path, mode: 0o700)
        #expect(throws: SystemError("mkdirat", .exists, path)) {
            try File.makeDirectory(path, mode: 0o700)
        }
        try writeFile(path + "/file", [1])
        try File.setMode(path + "/file", 0o640)
        let mode = try FileManager.default.attributesOfItem(atPath: path + "/file")[.posixPermissions]
        #expect(mode as? Int == 0o640)
        try File.remove(path + "/file")
        #expect(throws: SystemError("unlink", .notFound, path + "/file")) {
            try File.remove(path + "/file")
        }
    }
}
