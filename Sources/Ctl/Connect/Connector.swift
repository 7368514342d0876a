// From an application to its file and back: what `connect` does, once for each.

import Applications
import Linux

struct Connector {
    let server: ServerEntry
    let name: String
    let isDry: Bool
    let places: UserPlaces

    func connect(_ application: Application, in given: String?) -> ConnectionAct {
        act(application, given) { (connection, file) throws(CtlFault) in
            let old = file.bytes ?? []
            let (new, outcome): ([UInt8], ConnectionAct.Outcome)
            switch try Self.reading(
                file.path, { () throws(SettingsFault) in try connection.connecting(server, in: old) })
            {
            case .none: return ConnectionAct(application: application, outcome: .unchanged, path: file.path)
            case .added(let bytes): (new, outcome) = (bytes, .connected)
            case .updated(let bytes): (new, outcome) = (bytes, .updated)
            }
            var act = ConnectionAct(application: application, outcome: outcome, path: file.path)
            act.command = [server.command] + server.arguments
            guard !isDry else {
                act.text = ConnectionAct.diff(file.path, file.bytes, new)
                return act
            }
            let directory = try SettingsDirectory.open(of: file)
            if try needsBackup(file, connection, directory) {
                act.backup = try directory.keep(file)
            }
            try directory.replace(file, with: new)
            return act
        }
    }

    /// Not for a file that is kept as it is, or of which everything but our own entry is.
    private func needsBackup(
        _ file: SettingsFile, _ connection: Connection, _ directory: borrowing SettingsDirectory
    ) throws(CtlFault) -> Bool {
        guard let bytes = file.bytes else { return false }
        let backups = try directory.backups(of: file.name)
        guard !backups.isEmpty, case .connected(let server)? = try? connection.state(of: bytes) else {
            return !backups.contains { $0.bytes == bytes }
        }
        return !backups.contains { connection.isAdded(server, to: $0.bytes ?? [], in: bytes) }
    }

    func disconnect(_ application: Application, in given: String?) -> ConnectionAct {
        act(application, given) { (connection, file) throws(CtlFault) in
            guard let old = file.bytes,
                let (without, server) = try Self.reading(
                    file.path, { () throws(SettingsFault) in try connection.disconnecting(old) })
            else { return ConnectionAct(application: application, outcome: .absent, path: file.path) }
            let directory = try SettingsDirectory.open(of: file)
            let earlier = try directory.backups(of: file.name).first {
                connection.isAdded(server, to: $0.bytes ?? [], in: old)
            }
            let isEmpty = earlier == nil && connection.isAdded(server, to: [], in: old)
            var act = ConnectionAct(
                application: application,
                outcome: earlier != nil ? .restored : isEmpty ? .removed : .disconnected, path: file.path)
            let new = earlier?.bytes ?? without
            guard !isDry else {
                act.text = ConnectionAct.diff(file.path, old, isEmpty ? nil : new)
                return act
            }
            if isEmpty {
                try directory.remove(file)
            } else {
                try directory.replace(file, with: new)
                if let earlier { try directory.remove(earlier) }
            }
            return act
        }
    }

    // MARK: Pieces

    private func act(
        _ application: Application, _ given: String?,
        _ body: (Connection, SettingsFile) throws(CtlFault) -> ConnectionAct
    ) -> ConnectionAct {
        guard given != nil || !application.files.isEmpty else {
            var act = ConnectionAct(application: application, outcome: .byHand)
            act.text = application.example(server, name: name)
            return act
        }
        let connection = Connection(application, name: name)
        let path = given ?? places.file(of: application, connection)
        do throws(CtlFault) {
            return try body(connection, try SettingsFile.read(path))
        } catch {
            switch error {
            case .usage(let problem), .failed(let problem): return .failed(application, path, problem)
            case .answered: return .failed(application, path, "")
            }
        }
    }

    static func reading<Value>(
        _ path: String, _ body: () throws(SettingsFault) -> Value
    ) throws(CtlFault) -> Value {
        do throws(SettingsFault) {
            return try body()
        } catch {
            throw .failed("\(path): \(error)")
        }
    }
}
