import Linux

/// What a command on the host finds in its environment: what a login gives, and nothing of celld's own.
struct HostEnvironment {
    private var variables: [(name: String, value: String)]

    init(_ account: Accounts.User?, home: String) {
        variables = [
            ("PATH", HostPrograms.path), ("HOME", home), ("LANG", "C.UTF-8"), ("TERM", "dumb"),
            ("SHELL", account.flatMap { $0.shell.isEmpty ? nil : $0.shell } ?? "/bin/sh"),
        ]
        // Whoever has no name has no variable of it.
        if let account { variables += [("USER", account.name), ("LOGNAME", account.name)] }
    }

    /// What a user's own services are found by, where the user is logged in; and what was asked for.
    mutating func add(ofUser uid: UInt32, _ asked: [String]) {
        let runtime = "/run/user/\(uid)"
        if let status = try? File.open(runtime, [.directory, .path]).status(), status.uid == uid {
            variables.append(("XDG_RUNTIME_DIR", runtime))
        }
        for text in asked {
            guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = text[..<equals]
            variables.removeAll { $0.name.utf8.elementsEqual(name.utf8) }
            variables.append((String(name), String(text[text.utf8.index(after: equals)...])))
        }
    }

    /// NAME=value each, every name once.
    var all: [String] { variables.map { "\($0.name)=\($0.value)" } }
}
