// What keeps Cloister from working on a machine, and how to mend it. Every finding has a name, what was seen, and for
// what is not in order one sentence that an administrator can act on. It only looks: the one thing that it may start is
// the daemon, by connecting to its socket.

import CommandLine
import Linux
import PolicyFiles

struct Finding: Equatable, Sendable {
    enum State: String, Sendable { case good, warning, fault }

    let name: String
    let state: State
    let says: String
    /// Empty where nothing has to be done.
    let mend: String

    static func good(_ name: String, _ says: String) -> Finding {
        Finding(name: name, state: .good, says: says, mend: "")
    }
}

/// The machine as the doctor sees it; tests have others.
struct ExaminedMachine: Sendable {
    var kernelRelease: String
    var landlock: Int
    var isThere: @Sendable (String) -> Bool
    var text: @Sendable (String) -> String?
    var link: @Sendable (String) -> String?
    /// Why nobody answers at a socket; `nil` when somebody does.
    var unreachable: @Sendable (String) -> SystemError?
    /// What systemd says of a unit; `nil` where it does not say anything.
    var stateOfUnit: @Sendable (String) -> String?
    /// Of the daemon that is on the bus; `nil` where there is none.
    var runningVersion: @Sendable () -> String?
    /// Of policy: the files that count, and what is wrong with them.
    var policy: @Sendable () -> (files: Int, faults: [String])
}

struct Doctor {
    let machine: ExaminedMachine
    /// A standalone daemon's directory.
    let root: String?

    func examine() -> [Finding] {
        let service = root == nil ? [programs] + units + [enabled, socket] : [control]
        let administration = root == nil ? administration : []
        return service + [kernel, namespaces, landlock, seccomp] + groups + [loopDevices] + administration + [
            policy
        ]
    }

    // MARK: The service

    private static let helpers = ["cloister-celld", "cloister-cell", "cloister-busid", "cloister-authorize"]

    private var programs: Finding {
        let places = ["/usr/libexec/cloister", "/usr/local/libexec/cloister"]
        let missing = Self.helpers.filter { helper in !places.contains { machine.isThere("\($0)/\(helper)") }
        }
        guard !missing.isEmpty else { return .good("programs", "all are installed") }
        return Finding(
            name: "programs", state: .fault, says: "\(missing.joined(separator: ", ")) cannot be found",
            mend: "install the package cloister again")
    }

    private static let unitPlaces = ["/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"]

    private var units: [Finding] {
        ["cloisterd", "cloister-celld", "cloister-commands"].map { name in
            let files = ["\(name).socket", "\(name).service"]
            for file in files {
                let found = Self.unitPlaces.map { "\($0)/systemd/system/\(file)" }.first(
                    where: machine.isThere)
                guard let found else {
                    return Finding(
                        name: "unit \(name)", state: .fault, says: "\(file) is not there",
                        mend: "install the package cloister again")
                }
                guard machine.link(found) == "/dev/null" else { continue }
                guard name != "cloister-commands" else {
                    return .good("unit \(name)", "\(file) is masked, so there are no commands on the host")
                }
                return Finding(
                    name: "unit \(name)", state: .fault, says: "\(file) is masked",
                    mend: "systemctl unmask \(file)")
            }
            guard let failed = files.first(where: { machine.stateOfUnit($0) == "failed" }) else {
                return isDeaf(name) ?? .good("unit \(name)", "is there")
            }
            return Finding(
                name: "unit \(name)", state: .fault, says: "\(failed) has failed",
                mend: "journalctl --unit=\(failed) says why; then systemctl reset-failed \(failed)")
        }
    }

    /// A daemon that runs has started the sockets of all; somebody stopped this one since.
    private func isDeaf(_ name: String) -> Finding? {
        let socket = "\(name).socket"
        guard machine.stateOfUnit("cloisterd.service") == "active", machine.stateOfUnit(socket) == "inactive"
        else { return nil }
        return Finding(
            name: "unit \(name)", state: .fault, says: "\(socket) is stopped, and nobody reaches its service",
            mend: "systemctl start \(socket)")
    }

    private var enabled: Finding {
        let wanted = "/etc/systemd/system/sockets.target.wants/cloisterd.socket"
        guard machine.link(wanted) == nil else {
            return .good("enabled", "applications can connect after each boot")
        }
        return Finding(
            name: "enabled", state: .warning, says: "cloisterd.socket is not enabled",
            mend: "systemctl enable --now cloisterd.socket")
    }

    private var socket: Finding {
        reached("socket", "/run/cloister/mcp.sock", .fault, mend: "systemctl enable --now cloisterd.socket")
    }

    private var control: Finding {
        let directory = root ?? ""
        return reached(
            "daemon", directory + "/control.sock", .fault, mend: "cloisterd --standalone \(directory)")
    }

    private func reached(_ name: String, _ path: String, _ state: Finding.State, mend: String) -> Finding {
        guard let error = machine.unreachable(path) else { return .good(name, "\(path) answers") }
        return Finding(name: name, state: state, says: "nobody answers: \(error)", mend: mend)
    }

    // MARK: The kernel

    private var kernel: Finding {
        let numbers = machine.kernelRelease.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap {
            Int($0)
        }
        let isNew = numbers.count == 2 && (numbers[0], numbers[1]) >= (6, 5)
        guard !isNew else { return .good("kernel", "Linux \(machine.kernelRelease)") }
        return Finding(
            name: "kernel", state: .warning,
            says: """
                Linux \(machine.kernelRelease) cannot say for certain which process connected: rules about programs match \
                nobody, no grant outlives its session, and there are no commands as root
                """,
            mend: "boot Linux 6.5 or newer (Debian 12: linux-image-amd64 from bookworm-backports)")
    }

    private var namespaces: Finding {
        let most = machine.text("/proc/sys/user/max_user_namespaces").flatMap { Int($0.trimmed) }
        guard let most, most > 0 else {
            return Finding(
                name: "namespaces", state: .fault, says: "there are no user namespaces, and so no cells",
                mend: "sysctl user.max_user_namespaces=10000, and a kernel with CONFIG_USER_NS")
        }
        return .good("namespaces", "at most \(most) of users")
    }

    private var landlock: Finding {
        guard machine.landlock < 1 else { return .good("landlock", "version \(machine.landlock)") }
        return Finding(
            name: "landlock", state: .fault, says: "the kernel does not have it, and so no cell has its wall",
            mend: "boot with landlock in the list lsm= of the kernel's command line")
    }

    private var seccomp: Finding {
        guard !machine.isThere("/proc/sys/kernel/seccomp/actions_avail") else {
            return .good("seccomp", "is there")
        }
        return Finding(
            name: "seccomp", state: .fault, says: "the kernel does not filter system calls",
            mend: "boot a kernel with CONFIG_SECCOMP_FILTER")
    }

    // MARK: Groups

    private static let controllers = ["memory", "pids", "cpu", "io"]

    private var groups: [Finding] {
        let mend = "boot with systemd.unified_cgroup_hierarchy=1, or lower the wall: --best-effort cgroup"
        // A standalone daemon has none, and says so itself.
        let state: Finding.State = root == nil ? .fault : .warning
        guard let all = missingControllers(of: "/sys/fs/cgroup") else {
            return [
                Finding(
                    name: "groups", state: state, says: "/sys/fs/cgroup is not cgroup v2 alone", mend: mend)
            ]
        }
        guard all.isEmpty else {
            let says = "these controllers are not there: \(all.joined(separator: ", "))"
            return [Finding(name: "groups", state: state, says: says, mend: mend)]
        }
        let group = "/sys/fs/cgroup/system.slice/cloister-celld.service"
        guard root == nil, let given = missingControllers(of: group) else {
            return [.good("groups", Self.controllers.joined(separator: ", "))]
        }
        guard given.isEmpty else {
            return [
                Finding(
                    name: "groups", state: .fault,
                    says: "cloister-celld was not given \(given.joined(separator: ", "))",
                    mend: "see that no drop-in of cloister-celld.service takes Delegate=yes away")
            ]
        }
        return [.good("groups", "\(Self.controllers.joined(separator: ", ")), and cloister-celld has them")]
    }

    private func missingControllers(of group: String) -> [String]? {
        guard let text = machine.text(group + "/cgroup.controllers") else { return nil }
        let present = text.trimmed.split(separator: " ")
        return Self.controllers.filter { !present.contains(Substring($0)) }
    }

    private var loopDevices: Finding {
        guard !machine.isThere("/dev/loop-control") else { return .good("loop devices", "are there") }
        return Finding(
            name: "loop devices", state: root == nil ? .fault : .warning,
            says: "/dev/loop-control is not there, and workspaces have no limit without",
            mend: "modprobe loop, or let workspaces be ephemeral")
    }

    // MARK: Around it

    /// Without a bus nobody is on it, which need not be said as well.
    private var administration: [Finding] {
        let bus = bus
        return [bus] + (bus.state == .good ? [version] : []) + [polkit]
    }

    private var bus: Finding {
        reached(
            "bus", "/run/dbus/system_bus_socket", .warning,
            mend: "apt install dbus; systemctl start dbus.socket")
    }

    private var version: Finding {
        guard let running = machine.runningVersion() else {
            return Finding(
                name: "daemon", state: .warning, says: "nobody is org.cloister.Cloister1 on the bus",
                mend: "systemctl enable --now cloisterd.socket; systemctl reload dbus")
        }
        guard running != Release.version else { return .good("daemon", "version \(running) runs") }
        return Finding(
            name: "daemon", state: .warning,
            says: "version \(running) runs, and \(Release.version) is installed",
            mend: "systemctl restart cloisterd, which drops nobody")
    }

    private var polkit: Finding {
        let action = "share/polkit-1/actions/org.cloister.Cloister1.policy"
        let says: String
        if !machine.isThere("/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service") {
            says = "the bus knows none: nothing runs as root, and rules with via: polkit ask nobody"
        } else if !machine.isThere("/usr/" + action), !machine.isThere("/usr/local/" + action) {
            says = "it does not know our actions: \(action) is not there"
        } else {
            return .good("polkit", "is there, and knows our actions")
        }
        return Finding(
            name: "polkit", state: .warning, says: says,
            mend: "apt install polkitd; apt install --reinstall cloister")
    }

    private var policy: Finding {
        let (files, faults) = machine.policy()
        guard files > 0 || !faults.isEmpty else {
            return Finding(
                name: "policy", state: .warning, says: "there is no file of it, so everything is denied",
                mend: "install the package cloister again, or write files (cloister-policy(5))")
        }
        guard !faults.isEmpty else { return .good("policy", "in order, \(files) files") }
        return Finding(
            name: "policy", state: .fault, says: faults.joined(separator: "; "),
            mend: "put the file right (cloisterctl policy check), then systemctl reload cloisterd")
    }
}

extension String {
    fileprivate var trimmed: String { String(drop { $0.isWhitespace }.prefix { $0 != "\n" }) }
}
