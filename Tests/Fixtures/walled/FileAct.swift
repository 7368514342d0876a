import CLinux
import CProbes
import Glibc

/// What is tried behind Landlock.
enum FileAct {
    static func perform(_ act: String, _ path: String) throws {
        let inside = path + "/new"
        switch act {
        case "read": report(Int(unsafe cloister_open(path, O_RDONLY, 0)))
        case "write": report(Int(unsafe cloister_open(path, O_WRONLY, 0)))
        case "truncate": report(Int(unsafe truncate(path, 0)))
        case "list": report(Int(unsafe cloister_open(path, O_RDONLY | O_DIRECTORY, 0)))
        case "create": report(Int(unsafe cloister_open(inside, O_WRONLY | O_CREAT, 0o600)))
        case "directory": report(Int(unsafe mkdir(inside, 0o700)))
        case "fifo": report(Int(unsafe mknod(inside, S_IFIFO | 0o600, 0)))
        case "device": report(Int(unsafe mknod(inside, S_IFCHR | 0o600, 0x103)))
        // `path` is FROM:TO.
        case "rename":
            let ends = path.split(separator: ":").map(String.init)
            report(Int(unsafe rename(ends[0], ends[1])))
        case "execute":
            var arguments = unsafe [strdup(path), nil]
            // It ends with its own status when it may.
            report(Int(unsafe execv(path, &arguments)))
        case "signal": report(Int(kill(pid_t(path) ?? -1, 0)))
        case "abstract": report(connectAbstract(path))
        case "tcp": report(Int(cloister_probe_bind_tcp()))
        default: throw Fault("no act \(act)")
        }
    }

    private static func connectAbstract(_ name: String) -> Int {
        let socket = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { path in
            unsafe path.dropFirst().copyBytes(from: name.utf8)
        }
        let length = MemoryLayout<sa_family_t>.size + 1 + name.utf8.count
        return Int(unsafe cloister_connect(socket, &address, socklen_t(length)))
    }
}
