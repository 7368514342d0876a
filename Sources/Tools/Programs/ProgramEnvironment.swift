import JSON

/// What a program of a cell finds in its environment: a plain Unix user's, and what the call adds.
enum ProgramEnvironment {
    static let usual: [(name: String, value: String)] = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", "/workspace"), ("LANG", "C.UTF-8"),
        ("USER", "cell"), ("LOGNAME", "cell"), ("TERM", "dumb"), ("SHELL", "/bin/sh"), ("TMPDIR", "/tmp"),
    ]

    static let mostVariables = 1000
    private static let expected = "an object of at most \(mostVariables) strings without NUL, by their names"

    static let parameter = parameter(
        "Variables for the program, beside the usual ones (PATH, HOME=/workspace, LANG=C.UTF-8 …).")

    static func parameter(_ description: String) -> Parameter<[(name: String, value: String)]> {
        Parameter(
            "environment", .map(description, of: .string(), most: mostVariables), expected: expected,
            read: read)
    }

    private static func read(
        _ json: JSONValue, _ place: String
    ) throws(Arguments.Fault) -> [(name: String, value: String)] {
        let members = Array(json.members)
        guard json.isObject, members.count <= mostVariables else {
            throw Arguments.Fault(place, is: json, expected: expected)
        }
        var variables: [(name: String, value: String)] = []
        for (name, value) in members {
            guard !name.isEmpty, !name.utf8.contains(0), !name.utf8.contains(UInt8(ascii: "=")) else {
                throw Arguments.Fault(
                    "argument \"\(place)\" has the name \"\(shown(name))\"; the name of a variable is not empty and"
                        + " has no = and no NUL in it")
            }
            guard let text = value.string, !text.utf8.contains(0) else {
                throw Arguments.Fault("\(place).\(name)", is: value, expected: "a string without NUL")
            }
            variables.append((name, text))
        }
        return variables
    }

    private static func shown(_ name: String) -> String {
        String(String.UnicodeScalarView(name.unicodeScalars.map { $0 == "\0" ? "\u{2400}" : $0 }))
    }

    /// NAME=value each, every name once.
    static func variables(adding added: [(name: String, value: String)]) -> [String] {
        let kept = usual.filter { usual in
            !added.contains { $0.name.utf8.elementsEqual(usual.name.utf8) }
        }
        return (kept + added).map { "\($0.name)=\($0.value)" }
    }
}
