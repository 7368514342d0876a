import Testing

@testable import Applications

/// One application's settings as text.
struct Editing {
    let connection: Connection
    static let server = ServerEntry(command: "/usr/bin/cloister-bridge", arguments: ["--client", "a"])
    static let moved = ServerEntry(command: "/opt/bin/cloister-bridge", arguments: ["--client", "b"])

    init(_ application: String, name: String = "cloister") throws {
        connection = Connection(try #require(Application.named(application)), name: name)
    }

    /// What becomes of a text; nothing when it does not change.
    func connect(_ text: String, _ server: ServerEntry = server) throws(SettingsFault) -> String? {
        switch try connection.connecting(server, in: Array(text.utf8)) {
        case .none: nil
        case .added(let bytes), .updated(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }

    func disconnect(_ text: String) throws(SettingsFault) -> String? {
        try connection.disconnecting(Array(text.utf8)).map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    func fault(_ text: String) -> String? {
        do throws(SettingsFault) {
            _ = try connection.connecting(Self.server, in: Array(text.utf8))
            return nil
        } catch {
            return error.description
        }
    }

    func isConnected(_ text: String, from earlier: String) -> Bool {
        connection.isAdded(Self.server, to: Array(earlier.utf8), in: Array(text.utf8))
    }
}

/// A text, and what it is with our entry in it.
struct Sample: Sendable, CustomTestStringConvertible {
    let application: String
    let what: String
    let before: String
    let after: String
    var testDescription: String { "\(application): \(what)" }

    init(_ application: String, _ what: String, _ before: String, _ after: String) {
        (self.application, self.what, self.before, self.after) = (application, what, before, after)
    }

    /// That it becomes so, stays so, and that all of it can be taken back.
    func check() throws {
        let editing = try Editing(application)
        #expect(try editing.connect(before) == after)
        #expect(try editing.connect(after) == nil)
        #expect(editing.isConnected(after, from: before))
        #expect(!editing.isConnected(after + " ", from: before))
        let without = try #require(try editing.disconnect(after))
        #expect(try editing.disconnect(without) == nil)
        #expect(try editing.connect(try #require(try editing.connect(after, Editing.moved))) == after)
    }
}
