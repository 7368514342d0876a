import Policy

extension PermissionName {
    /// Its action in polkit/org.cloister.Cloister1.policy.
    package var polkitAction: String {
        let name =
            switch self {
            case .fileRead: "file-read"
            case .fileWrite: "file-write"
            case .fileWriteGlobal: "file-write-global"
            case .codeExecution: "code-execution"
            case .systemCommand: "system-command"
            case .codeExecutionSudo: "code-execution-sudo"
            case .network: "network"
            case .tool: "tool"
            case .custom: "custom"
            }
        return "org.cloister.Cloister1." + name
    }
}
