// One application's settings, and our entry in them: what has to change, as bytes. No file is touched here.
//
// An entry is ours when it has the name that was asked for and starts the bridge. One that has the name and starts
// something else is never changed. Of ours, only what says how the bridge is started is kept up to date: that a
// person has disabled it, or allowed some of its tools, is theirs.

package struct Connection: Sendable {
    package let application: Application
    /// What the entry is called there.
    package let name: String

    package init(_ application: Application, name: String) {
        (self.application, self.name) = (application, name)
    }

    package enum State: Equatable, Sendable {
        case absent
        case connected(ServerEntry)
        /// Something that is not ours has the name.
        case taken(String)
    }

    package enum Change: Equatable, Sendable {
        case none
        case added([UInt8])
        case updated([UInt8])
    }

    // MARK: Looking

    package func state(of bytes: [UInt8]) throws(SettingsFault) -> State {
        try entry(in: try application.language.read(bytes))?.state ?? .absent
    }

    private struct Found {
        let path: [String]
        let place: Application.Place
        let fields: [String: EntryValue]

        var state: State {
            guard let entry = ServerEntry(fields) else { return .taken("something that is not understood") }
            return entry.isOurs ? .connected(entry) : .taken(entry.command)
        }
    }

    private func entry(in document: any SettingsDocument) throws(SettingsFault) -> Found? {
        for place in application.places {
            let path = place.path + [name]
            // Where there are several places, one may be an entry of that name in another.
            guard try isThere(place, document) else { continue }
            if let fields = try document.fields(at: path) {
                return Found(path: path, place: place, fields: fields)
            }
        }
        return nil
    }

    private func isThere(
        _ place: Application.Place, _ document: any SettingsDocument
    ) throws(SettingsFault) -> Bool {
        if place.isUsual { return true }
        return try document.has(place.path)
    }

    // MARK: Changing

    package func connecting(_ server: ServerEntry, in bytes: [UInt8]) throws(SettingsFault) -> Change {
        let document = try application.language.read(bytes)
        guard let found = try entry(in: document) else {
            let result = bytes.applying(try adding(server, to: document))
            try verify(server, in: result)
            return .added(result)
        }
        // What has the name has it for a reason.
        if case .taken(let command) = found.state {
            throw SettingsFault(nil, "there is an entry \(name) already, which starts \(command)")
        }
        let wrong = found.place.fields(server, name).filter { $0.isOurs && found.fields[$0.key] != $0.value }
        guard !wrong.isEmpty else { return .none }
        let result = bytes.applying(try document.changing(wrong, at: found.path))
        try verify(server, in: result)
        return .updated(result)
    }

    private func adding(
        _ server: ServerEntry, to document: any SettingsDocument
    ) throws(SettingsFault) -> [TextEdit] {
        var chosen = application.places[0]
        for place in application.places.reversed() where try isThere(place, document) { chosen = place }
        return try document.adding(chosen.fields(server, name), at: chosen.path + [name])
    }

    /// The bytes without our entry, and what it started; `nil` where there is none.
    package func disconnecting(
        _ bytes: [UInt8]
    ) throws(SettingsFault) -> (bytes: [UInt8], server: ServerEntry)? {
        let document = try application.language.read(bytes)
        guard let found = try entry(in: document) else { return nil }
        switch found.state {
        case .absent: return nil
        case .taken(let command):
            throw SettingsFault(nil, "the entry \(name) is not ours: it starts \(command)")
        case .connected(let server):
            let result = bytes.applying(try document.removing(found.path))
            guard (try? state(of: result)) == .absent else { throw Self.failed }
            return (result, server)
        }
    }

    /// Whether these bytes are the earlier ones with an entry that starts this server, and nothing else.
    package func isAdded(_ server: ServerEntry, to earlier: [UInt8], in bytes: [UInt8]) -> Bool {
        guard let document = try? application.language.read(earlier),
            (try? entry(in: document)) == nil, let edits = try? adding(server, to: document)
        else { return false }
        return earlier.applying(edits) == bytes
    }

    /// What we write is read again before anybody else reads it.
    private func verify(_ server: ServerEntry, in bytes: [UInt8]) throws(SettingsFault) {
        guard (try? state(of: bytes)) == .connected(server) else { throw Self.failed }
    }

    private static let failed = SettingsFault(
        nil, "this file is written in a way that is not understood; the entry has to be written by hand")
}
