import Applications
import Bridge
import Linux

/// The bridge of this machine, and whether it would reach anybody.
enum BridgeAdvice {
    /// Beside this program, or where programs are.
    static var path: String {
        let own = (try? File.readLink("/proc/self/exe")).flatMap { path in
            path.lastIndex(of: "/").map { path[..<$0] + "/" + ServerEntry.program }
        }
        if let own, File.kind(of: own) != nil { return own }
        return HostPrograms.find(ServerEntry.program) ?? "/usr/bin/" + ServerEntry.program
    }

    /// What keeps the entry from working, each with what helps.
    static func warnings(_ server: ServerEntry, socket: String?, root: String?) -> [String] {
        var warnings: [String] = []
        let mode = (try? File.open(server.command, .path).status())?.mode
        if mode.map({ $0 & 0o111 == 0 }) ?? true {
            warnings.append(
                "\(server.command) is not a program: install the package cloister, or say --bridge")
        }
        let path =
            socket
            ?? BridgeOptions.usualSocket(runtimeDirectory: Process.environment("XDG_RUNTIME_DIR")) {
                File.kind(of: $0) != nil
            }
        do throws(SystemError) {
            _ = try UnixSocket.connect(to: path)
        } catch {
            let help =
                root.map { "cloisterd --standalone \($0)" } ?? "systemctl enable --now cloisterd.socket"
            warnings.append("no daemon answers (\(error)): \(help), or ask cloisterctl doctor")
        }
        return warnings
    }
}
