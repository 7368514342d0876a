// An AI application that has its MCP servers in a file of its user's: where that is, and how an entry is written in it.

package struct Application: Sendable {
    /// The word by which people call it here.
    package let name: String
    /// What it is called by those who make it.
    package let title: String
    /// Where it keeps its servers: the first of these files that is there, or the first. None at all: in its own
    /// dialogs alone.
    package let files: [Location]
    /// What is there where it was ever run.
    package let traces: [Location]
    /// What starts it.
    package let programs: [String]
    package let language: SettingsLanguage
    /// The first one that is there, or else the usual one.
    let places: [Place]
    /// What a person does then, or does instead.
    package let advice: String

    /// A path below a directory that some variable may name.
    package struct Location: Equatable, Sendable {
        let variable: String?
        /// Below the home directory, without the variable.
        let usual: String
        let path: String

        static func home(_ path: String) -> Location { Location(variable: nil, usual: "", path: path) }

        /// Below the directory of the XDG specification.
        static func configuration(_ path: String) -> Location {
            Location(variable: "XDG_CONFIG_HOME", usual: ".config", path: path)
        }

        static func named(by variable: String, else usual: String, _ path: String) -> Location {
            Location(variable: variable, usual: usual, path: path)
        }

        package func path(home: String, environment: (String) -> String?) -> String {
            // A relative one is nobody's, says the specification.
            if let variable, let named = environment(variable), named.utf8.first == UInt8(ascii: "/") {
                return Self.joined(named, path)
            }
            return Self.joined(Self.joined(home, usual), path)
        }

        private static func joined(_ one: String, _ other: String) -> String {
            other.isEmpty ? one : one.hasSuffix("/") ? one + other : one + "/" + other
        }

        var directory: Location {
            let parts = path.split(separator: "/").dropLast()
            return Location(variable: variable, usual: usual, path: parts.joined(separator: "/"))
        }
    }

    /// Where in a file entries are, and what one says.
    struct Place: Sendable {
        let path: [String]
        /// It is made where there is none.
        let isUsual: Bool
        /// Of a server, and the name that it gets.
        let fields: @Sendable (ServerEntry, String) -> [EntryField]

        init(
            _ path: String..., isUsual: Bool = true,
            fields: @escaping @Sendable (ServerEntry, String) -> [EntryField]
        ) {
            (self.path, self.isUsual, self.fields) = (path, isUsual, fields)
        }
    }

    init(
        _ name: String, _ title: String, _ files: Location..., traces: [Location] = [],
        programs: [String] = [],
        language: SettingsLanguage = .json, places: [Place], advice: String? = nil
    ) {
        (self.name, self.title, self.files, self.programs) = (name, title, files, programs)
        self.traces = traces.isEmpty ? files.map(\.directory) : traces
        (self.language, self.places) = (language, places)
        self.advice = advice ?? "restart \(title)"
    }

    /// The entry alone, for who writes it by hand.
    package func example(_ server: ServerEntry, name: String) -> String {
        let connection = Connection(self, name: name)
        guard case .added(let bytes)? = try? connection.connecting(server, in: []) else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }
}
