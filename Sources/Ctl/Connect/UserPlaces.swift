import Applications
import CommandLine
import Linux

/// Where the files of the user are who calls, and what is there of applications.
struct UserPlaces {
    private let home: String

    init() throws(CtlFault) {
        try Self.refuseOthers()
        let home = Process.environment("HOME") ?? Accounts.user(Process.userID)?.home
        guard let home, home.hasPrefix("/") else { throw .failed("HOME does not name a directory") }
        self.home = home
    }

    /// What belongs to a person is not written as root on that person's behalf: it would be root's then, and whoever
    /// can change what is on the way there would decide what root writes.
    private static func refuseOthers() throws(CtlFault) {
        guard Process.userID == 0 else { return }
        let variables = ["SUDO_USER", "DOAS_USER", "SUDO_UID", "PKEXEC_UID"]
        let user = variables.lazy.compactMap(Process.environment).first { $0 != "root" && $0 != "0" }
        guard let user else { return }
        throw .failed(
            "lists of MCP servers belong to the user whose applications have them: call this as \(user), without sudo"
        )
    }

    // MARK: Files

    func paths(of application: Application) -> [String] { application.files.map(path) }

    private func path(_ location: Application.Location) -> String {
        location.path(home: home, environment: Process.environment)
    }

    /// The one that has our entry, or that is there, or that would be made.
    func file(of application: Application, _ connection: Connection) -> String {
        let there = paths(of: application).filter { File.kind(of: $0) != nil }
        guard there.count > 1 else { return there.first ?? paths(of: application)[0] }
        let connected = there.first {
            guard let bytes = try? SettingsFile.read($0).bytes, let state = try? connection.state(of: bytes),
                state != .absent
            else { return false }
            return true
        }
        return connected ?? there[0]
    }

    // MARK: Programs

    func isFound(_ application: Application) -> Bool {
        application.traces.contains { File.kind(of: path($0)) != nil }
            || paths(of: application).contains { File.kind(of: $0) != nil }
            || application.programs.contains(where: isProgram)
    }

    private func isProgram(_ name: String) -> Bool {
        let directories = (Process.environment("PATH") ?? "").split(separator: ":").filter {
            $0.hasPrefix("/")
        }
        return directories.contains { File.kind(of: "\($0)/\(name)") != nil }
            || HostPrograms.find(name) != nil
    }
}
