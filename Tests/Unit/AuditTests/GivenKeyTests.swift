import Audit
import Foundation
import Linux
import TestSupport
import Testing

/// A key that somebody gives, such as a service manager from an encrypted place.
@Suite struct GivenKeyTests {
    private let scene: AuditScene
    private var key: String { scene.root + "/given" }

    init() throws { scene = try AuditScene() }

    private func make() throws {
        let run = Foundation.Process()
        run.executableURL = URL(filePath: "/usr/bin/openssl")
        run.arguments = ["genpkey", "-algorithm", "ed25519", "-out", key]
        try run.run()
        run.waitUntilExit()
        try #require(run.terminationStatus == 0)
    }

    private func opened() throws {
        let log = try scene.open(key: key)
        try log.write(.call(1))
        try log.close(AuditStop(reason: "test"))
    }

    private func refusal() -> String {
        do {
            try opened()
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test("Records are signed with it, and no other key is made")
    func signs() throws {
        try make()
        try opened()
        try opened()
        #expect(try scene.verify().fault == nil)
        #expect(!FileManager.default.fileExists(atPath: scene.directory.key))
    }

    @Test("One that is not there, or is none, is refused, and nothing is written")
    func refused() throws {
        #expect(refusal().contains("given: is not there"))
        for text in ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            try Data(text.utf8).write(to: URL(filePath: key))
            #expect(refusal().contains("given: is no private Ed25519 key in PEM form"))
        }
        #expect(try scene.directory.files().isEmpty)
    }

    @Test("Another one than what is there was signed with is refused, and the same one is taken")
    func another() throws {
        try scene.written(3)
        try make()
        #expect(refusal().contains("is another key than the one that signed"))
        #expect(try scene.verify().fault == nil)
        try FileManager.default.removeItem(atPath: key)
        try FileManager.default.copyItem(atPath: scene.directory.key, toPath: key)
        #expect(refusal() == "")
        #expect(try scene.verify().fault == nil)
    }
}
