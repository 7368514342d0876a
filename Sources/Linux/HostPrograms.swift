// Programs of the host by their names: looked for in the system's own directories and nowhere else, whatever anybody's
// PATH says. What is decided about, shown to a person, recorded and run is then one and the same path.

package enum HostPrograms {
    package static let directories = [
        "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
    ]
    package static let path = directories.joined(separator: ":")

    /// The path of what a command calls by name; a path of one of these directories without symbolic links of the
    /// system's own (`/bin` is `/usr/bin`); any other as it is. `nil` when there is no such program.
    package static func find(_ program: String) -> String? {
        guard let slash = program.utf8.lastIndex(of: UInt8(ascii: "/")) else {
            return directories.lazy.map { "\(whole($0))/\(program)" }.first(where: isExecutable)
        }
        let directory = String(program[..<slash])
        guard directories.contains(directory) else { return program }
        return whole(directory) + program[slash...]
    }

    /// These are links on most machines, and only root can change them.
    private static func whole(_ directory: String) -> String {
        guard let target = try? File.readLink(directory) else { return directory }
        let path = target.utf8.first == UInt8(ascii: "/") ? target : "/" + target
        return directories.contains(path) ? path : directory
    }

    private static func isExecutable(_ path: String) -> Bool {
        guard let status = try? File.open(path, .path).status() else { return false }
        return status.kind == .regular && status.mode & 0o111 != 0
    }
}
