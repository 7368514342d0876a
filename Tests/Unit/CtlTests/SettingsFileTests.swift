import Foundation
import Linux
import TestSupport
import Testing

@testable import Ctl

@Suite("A file of settings is replaced as a whole, or not at all") struct SettingsFileTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.path + "/settings.json" }

    init() throws { directory = try TemporaryDirectory() }

    private func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    private var names: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()) ?? []
    }

    private func problem(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch CtlFault.failed(let problem) {
            return problem
        } catch {
            return "\(error)"
        }
    }

    @Test("A new content has the mode of the old one, and is the only thing that is left")
    func replaced() throws {
        try write("old", to: path)
        try File.setMode(path, 0o640)
        let file = try SettingsFile.read(path)
        try SettingsDirectory.open(of: file).replace(file, with: Array("new".utf8))
        let now = try SettingsFile.read(path)
        #expect(now.bytes == Array("new".utf8) && now.status?.mode == 0o640)
        #expect(names == ["settings.json"])
    }

    @Test("Who changed the file between our reading and our writing wins")
    func changed() throws {
        try write("old", to: path)
        let file = try SettingsFile.read(path)
        try write("theirs", to: path)
        let said = problem { try SettingsDirectory.open(of: file).replace(file, with: [0x61]) }
        #expect(said.contains("somebody else has changed this file meanwhile"))
        #expect(try SettingsFile.read(path).bytes == Array("theirs".utf8))
        #expect(problem { try SettingsDirectory.open(of: file).remove(file) }.contains("meanwhile"))
        #expect(names == ["settings.json"])
    }

    @Test("A file that is made meanwhile is not written over")
    func made() throws {
        let file = try SettingsFile.read(path)
        #expect(file.bytes == nil)
        try write("theirs", to: path)
        #expect(
            problem { try SettingsDirectory.open(of: file).replace(file, with: [0x61]) }.contains("meanwhile")
        )
        #expect(try SettingsFile.read(path).bytes == Array("theirs".utf8) && names == ["settings.json"])
    }

    @Test("A link stays a link, to the file that was behind it")
    func link() throws {
        try FileManager.default.createDirectory(
            atPath: directory.path + "/real", withIntermediateDirectories: false)
        try write("old", to: directory.path + "/real/file")
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "real/file")
        let file = try SettingsFile.read(path)
        #expect(file.path == directory.path + "/real/file")
        try SettingsDirectory.open(of: file).replace(file, with: Array("new".utf8))
        #expect(try File.readLink(path) == "real/file")
        #expect(try SettingsFile.read(path).bytes == Array("new".utf8))
        try File.remove(file.path)
        #expect(problem { _ = try SettingsFile.read(path) }.contains("a link to something that is not there"))
    }

    @Test("Earlier files are kept under names of their own, the latest comes first")
    func kept() throws {
        for text in ["one", "two", "three"] {
            try write(text, to: path)
            let file = try SettingsFile.read(path)
            _ = try SettingsDirectory.open(of: file).keep(file)
        }
        #expect(
            names == [
                "settings.json", "settings.json.cloister-backup", "settings.json.cloister-backup-2",
                "settings.json.cloister-backup-3",
            ])
        let file = try SettingsFile.read(path)
        let backups = try SettingsDirectory.open(of: file).backups(of: file.name)
        #expect(backups.map(\.bytes) == ["three", "two", "one"].map { Array($0.utf8) })
    }

    @Test("Directories that are missing are made, for the user alone")
    func directories() throws {
        let file = try SettingsFile.read(directory.path + "/a/b/c.json")
        try SettingsDirectory.open(of: file).replace(file, with: [0x61])
        #expect(try SettingsFile.read(directory.path + "/a/b/c.json").bytes == [0x61])
        let made = try File.open(directory.path + "/a/b", .directory)
        #expect(try made.status().mode == 0o700)
    }

    @Test("A directory in which others may write is not written to", arguments: [0o777, 0o1777, 0o775])
    func writable(mode: UInt32) throws {
        try write("old", to: path)
        try File.setMode(directory.path, mode)
        // A group of the user's own name is the user's alone.
        let isOwn = Accounts.groupName(getgid()) == Accounts.user(Process.userID)?.name
        let file = try SettingsFile.read(path)
        let said = problem { try SettingsDirectory.open(of: file).replace(file, with: [0x61]) }
        #expect(said.contains("others than you") == !(mode == 0o775 && isOwn), "\(said)")
        try File.setMode(directory.path, 0o700)
    }

    @Test("What is no file, or has several names, is refused")
    func refused() throws {
        #expect(problem { _ = try SettingsFile.read(directory.path) }.contains("this is not a file"))
        #expect(problem { _ = try SettingsFile.read("/dev/null") }.contains("this is not a file"))
        try write("old", to: path)
        try FileManager.default.linkItem(atPath: path, toPath: directory.path + "/other")
        #expect(problem { _ = try SettingsFile.read(path) }.contains("several names"))
    }
}
