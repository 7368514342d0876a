import Cells
import Foundation
import Linux
import TestSupport
import Testing

@testable import CellWork

/// A cell's files without the cell: a workspace, a tree for reading, and something outside of both.
final class TestCell {
    let directory: TemporaryDirectory
    let work: FileWork
    let workspace: Place

    var root: String { directory.path + "/workspace" }
    var outside: String { directory.path + "/outside" }

    init() throws {
        directory = try TemporaryDirectory()
        for name in ["workspace", "readonly", "outside"] {
            try File.makeDirectory(directory.path + "/" + name, mode: 0o755)
        }
        try Data("secret".utf8).write(to: URL(fileURLWithPath: directory.path + "/outside/secret"))
        workspace = try Place(opening: directory.path + "/workspace", isWritable: true)
        let readOnly = try Place(opening: directory.path + "/readonly", isWritable: false)
        work = FileWork(places: [workspace, readOnly])
    }

    func put(_ name: String, _ text: String = "", mode: Int = 0o644) throws {
        try put(name, bytes: Array(text.utf8), mode: mode)
    }

    func put(_ name: String, bytes: [UInt8], mode: Int = 0o644) throws {
        let url = URL(fileURLWithPath: root + "/" + name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: url.path)
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: root + "/" + name, withDestinationPath: target)
    }

    func text(_ name: String) -> String? {
        FileManager.default.contents(atPath: root + "/" + name).map { String(decoding: $0, as: UTF8.self) }
    }

    func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: root + "/" + name)
        return try #require(attributes[.posixPermissions] as? Int)
    }

    /// All names below the workspace, hidden ones too.
    var names: [String] {
        (FileManager.default.enumerator(atPath: root)?.allObjects as? [String] ?? []).sorted()
    }

    /// Without what a job would leave behind if it did not clean up.
    var temporaries: [String] { names.filter { $0.contains(".cloister-") } }

    // MARK: Requests

    @discardableResult
    func perform(_ request: FileRequest) throws -> FileResult { try work.perform(request) }

    func failure(_ request: FileRequest) -> CellFailure? {
        do throws(CellFailure) {
            _ = try work.perform(request)
            return nil
        } catch {
            return error
        }
    }

    func read(_ read: FileRequest.Read) throws -> FileResult.Content {
        guard case .read(let content) = try perform(.read(read)) else { throw TestFault("no content") }
        return content
    }

    func list(_ list: FileRequest.List) throws -> FileResult.Listing {
        guard case .entries(let listing) = try perform(.list(list)) else { throw TestFault("no listing") }
        return listing
    }

    func search(_ search: FileRequest.Search) throws -> FileResult.Findings {
        guard case .found(let findings) = try perform(.search(search)) else { throw TestFault("none") }
        return findings
    }

    func change(_ request: FileRequest) throws -> FileResult.Changes {
        guard case .changed(let changes) = try perform(request) else { throw TestFault("no changes") }
        return changes
    }
}

extension FileResult.Content {
    var text: String { String(decoding: bytes, as: UTF8.self) }
}
