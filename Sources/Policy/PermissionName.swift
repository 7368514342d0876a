/// What a rule is about, by its name in a policy file.
package enum PermissionName: Hashable, Comparable, Sendable, CustomStringConvertible {
    case fileRead, fileWrite, fileWriteGlobal
    case codeExecution, systemCommand, codeExecutionSudo
    case network, tool
    /// Declared by a module: `CUSTOM_` and a name of its own.
    case custom(String)

    private static let names: [(Self, String)] = [
        (.fileRead, "FILE_READ"), (.fileWrite, "FILE_WRITE"), (.fileWriteGlobal, "FILE_WRITE_GLOBAL"),
        (.codeExecution, "CODE_EXECUTION"), (.systemCommand, "SYSTEM_COMMAND"),
        (.codeExecutionSudo, "CODE_EXECUTION_SUDO"), (.network, "NETWORK"), (.tool, "TOOL"),
    ]

    package static var known: [String] { names.map(\.1) }

    package init?(_ name: String) {
        if let known = Self.names.first(where: { $0.1 == name }) {
            self = known.0
        } else if name.hasPrefix("CUSTOM_"), name.utf8.count > 7, name.utf8.count <= 64,
            name.utf8.allSatisfy({ (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F })
        {
            self = .custom(name)
        } else {
            return nil
        }
    }

    package var description: String {
        if case .custom(let name) = self { return name }
        return Self.names.first { $0.0 == self }?.1 ?? ""
    }

    /// The key by which a rule says what of it is meant.
    var objectKey: String {
        switch self {
        case .fileRead, .fileWrite, .fileWriteGlobal: "paths"
        case .codeExecution: "programs"
        case .systemCommand, .codeExecutionSudo: "argv"
        case .network: "hosts"
        case .tool: "tools"
        case .custom: "names"
        }
    }
}
