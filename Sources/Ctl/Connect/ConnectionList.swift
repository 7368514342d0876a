import Applications
import JSON
import Linux

/// `cloisterctl connect --list`: the applications that are known, and how they stand.
struct ConnectionList {
    let places: UserPlaces
    let name: String

    private struct Row {
        let application: Application
        let isFound: Bool
        var path = ""
        var state = ""
        var problem: String?
    }

    func show(_ invocation: Invocation) throws(CtlFault) {
        guard invocation.operands.isEmpty, !invocation.isGiven("--all") else {
            throw .usage("--list lists all applications, and takes none")
        }
        let rows = Application.known.map(row)
        guard !invocation.isJSON else { return try invocation.output.writeJSON(json(rows)) }
        var table = Table(["NAME", "APPLICATION", "FOUND", "STATE", "FILE"])
        for row in rows {
            let application = row.application
            table.add([
                application.name, application.title, row.isFound ? "yes" : "no", row.problem ?? row.state,
                row.path,
            ])
        }
        try invocation.output.write(table.text(columns: invocation.output.columns))
    }

    private func row(_ application: Application) -> Row {
        var row = Row(application: application, isFound: places.isFound(application))
        guard !application.files.isEmpty else {
            row.state = "by hand"
            return row
        }
        let connection = Connection(application, name: name)
        row.path = places.file(of: application, connection)
        do throws(CtlFault) {
            let bytes = try SettingsFile.read(row.path).bytes ?? []
            switch try Connector.reading(
                row.path, { () throws(SettingsFault) in try connection.state(of: bytes) })
            {
            case .absent: row.state = "not connected"
            case .connected: row.state = "connected"
            case .taken(let command): row.state = "\(name) is \(command)"
            }
        } catch {
            guard case .failed(let problem) = error else { return row }
            row.state = "not understood"
            let front = row.path + ": "
            row.problem = problem.hasPrefix(front) ? String(problem.dropFirst(front.count)) : problem
        }
        return row
    }

    private func json(_ rows: [Row]) -> [UInt8] {
        JSONWriter.bytes { json in
            json.object { json in
                json.array("applications") { list in
                    for row in rows {
                        list.object {
                            $0.member("name", row.application.name)
                            $0.member("title", row.application.title)
                            $0.member("found", row.isFound)
                            $0.member("state", row.state)
                            $0.member("file", row.path)
                            $0.optionalMember("problem", row.problem)
                        }
                    }
                }
            }
        }
    }
}
