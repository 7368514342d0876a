import CommandLine
import Linux
import TestSupport
import Testing

@testable import Ctl

@Suite("What is wrong on a machine is found, and how to mend it is said") struct DoctorTests {
    static let units = ["cloisterd", "cloister-celld", "cloister-commands"].flatMap {
        ["/lib/systemd/system/\($0).socket", "/lib/systemd/system/\($0).service"]
    }
    static let files =
        units + [
            "/usr/libexec/cloister/cloister-celld", "/usr/libexec/cloister/cloister-cell",
            "/usr/libexec/cloister/cloister-busid", "/usr/libexec/cloister/cloister-authorize",
            "/dev/loop-control",
            "/proc/sys/kernel/seccomp/actions_avail", polkit,
            "/usr/share/polkit-1/actions/org.cloister.Cloister1.policy",
        ]
    static let polkit = "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service"
    static let all = "cpuset cpu io memory hugetlb pids\n"
    static let delegated = "/sys/fs/cgroup/system.slice/cloister-celld.service/cgroup.controllers"
    static let wanted = "/etc/systemd/system/sockets.target.wants/cloisterd.socket"

    /// One on which everything is in order, but for what is said here.
    static func machine(
        kernel: String = "6.12.9-amd64", landlock: Int = 6, without: Set<String> = [],
        texts: [String: String] = [:],
        links: [String: String] = [wanted: "/lib/systemd/system/cloisterd.socket"],
        unreachable: Set<String> = [], failed: String = "", stopped: String = "",
        version: String? = Release.version,
        faults: [String] = [], policies: Int = 1
    ) -> ExaminedMachine {
        var known = [
            "/proc/sys/user/max_user_namespaces": "1000\n", "/sys/fs/cgroup/cgroup.controllers": all,
            delegated: all,
        ]
        known.merge(texts) { $1 }
        return ExaminedMachine(
            kernelRelease: kernel, landlock: landlock,
            isThere: { (files.contains($0) || links[$0] != nil) && !without.contains($0) },
            text: { [known] in without.contains($0) ? nil : known[$0] }, link: { links[$0] },
            unreachable: { unreachable.contains($0) ? SystemError("connect", .notFound, $0) : nil },
            stateOfUnit: { $0 == failed ? "failed" : $0 == stopped ? "inactive" : "active" },
            runningVersion: { version },
            policy: { (policies, faults) })
    }

    @Test("Of a machine that is in order every finding is good")
    func good() {
        let findings = Doctor(machine: Self.machine(), root: nil).examine()
        #expect(findings.allSatisfy { $0.state == .good && $0.mend.isEmpty }, "\(findings)")
        #expect(Set(findings.map(\.name)).count == findings.count)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let state: Finding.State
        let says: String
        let mend: String
        let machine: ExaminedMachine
        var testDescription: String { says }
    }

    static let cases = [
        Case(
            name: "unit cloister-celld", state: .fault, says: "cloister-celld.service has failed",
            mend: "systemctl reset-failed cloister-celld.service",
            machine: machine(failed: "cloister-celld.service")),
        Case(
            name: "unit cloister-celld", state: .fault, says: "cloister-celld.socket is stopped",
            mend: "systemctl start cloister-celld.socket", machine: machine(stopped: "cloister-celld.socket")),
        Case(
            name: "daemon", state: .warning, says: "version 0.0.9 runs", mend: "systemctl restart cloisterd",
            machine: machine(version: "0.0.9")),
        Case(
            name: "daemon", state: .warning, says: "nobody is org.cloister.Cloister1",
            mend: "systemctl enable --now",
            machine: machine(version: nil)),
        Case(
            name: "programs", state: .fault, says: "cloister-busid cannot be found",
            mend: "install the package",
            machine: machine(without: ["/usr/libexec/cloister/cloister-busid"])),
        Case(
            name: "programs", state: .fault, says: "cloister-authorize cannot", mend: "install",
            machine: machine(without: ["/usr/libexec/cloister/cloister-authorize"])),
        Case(
            name: "programs", state: .fault, says: "cloister-cell cannot", mend: "install",
            machine: machine(without: ["/usr/libexec/cloister/cloister-cell"])),
        Case(
            name: "unit cloister-celld", state: .fault, says: "cloister-celld.socket is not there",
            mend: "install",
            machine: machine(without: ["/lib/systemd/system/cloister-celld.socket"])),
        Case(
            name: "unit cloisterd", state: .fault, says: "is masked",
            mend: "systemctl unmask cloisterd.socket",
            machine: machine(links: [wanted: "x", "/etc/systemd/system/cloisterd.socket": "/dev/null"])),
        Case(
            name: "unit cloister-commands", state: .good, says: "no commands on the host", mend: "",
            machine: machine(links: [
                wanted: "x", "/etc/systemd/system/cloister-commands.socket": "/dev/null",
            ])),
        Case(
            name: "enabled", state: .warning, says: "not enabled", mend: "enable --now",
            machine: machine(links: [:])),
        Case(
            name: "socket", state: .fault, says: "mcp.sock", mend: "enable --now",
            machine: machine(unreachable: ["/run/cloister/mcp.sock"])),
        Case(
            name: "kernel", state: .warning, says: "6.1.0", mend: "6.5",
            machine: machine(kernel: "6.1.0-31-amd64")),
        Case(name: "kernel", state: .warning, says: "5.15", mend: "6.5", machine: machine(kernel: "5.15.0")),
        Case(name: "kernel", state: .good, says: "7.0", mend: "", machine: machine(kernel: "7.0.1")),
        Case(
            name: "namespaces", state: .fault, says: "no user namespaces", mend: "sysctl",
            machine: machine(texts: ["/proc/sys/user/max_user_namespaces": "0\n"])),
        Case(
            name: "landlock", state: .fault, says: "does not have it", mend: "lsm=",
            machine: machine(landlock: 0)),
        Case(
            name: "seccomp", state: .fault, says: "does not filter", mend: "CONFIG",
            machine: machine(without: ["/proc/sys/kernel/seccomp/actions_avail"])),
        Case(
            name: "groups", state: .fault, says: "not cgroup v2", mend: "unified",
            machine: machine(without: ["/sys/fs/cgroup/cgroup.controllers"])),
        Case(
            name: "groups", state: .fault, says: "not there: memory, io", mend: "unified",
            machine: machine(texts: ["/sys/fs/cgroup/cgroup.controllers": "cpu pids\n"])),
        Case(
            name: "groups", state: .fault, says: "not given memory", mend: "Delegate=yes",
            machine: machine(texts: [delegated: "cpu pids io\n"])),
        Case(
            name: "loop devices", state: .fault, says: "loop-control", mend: "modprobe",
            machine: machine(without: ["/dev/loop-control"])),
        Case(
            name: "bus", state: .warning, says: "system_bus_socket", mend: "dbus",
            machine: machine(unreachable: ["/run/dbus/system_bus_socket"])),
        Case(
            name: "polkit", state: .warning, says: "nothing runs as root", mend: "polkitd",
            machine: machine(without: [polkit])),
        Case(
            name: "policy", state: .warning, says: "everything is denied", mend: "write files",
            machine: machine(policies: 0)),
        Case(
            name: "policy", state: .fault, says: "x.yaml:3", mend: "policy check",
            machine: machine(faults: ["x.yaml:3: no"])),
    ]

    @Test("Each thing that is wrong is one finding, with what helps", arguments: cases)
    func wrong(_ example: Case) throws {
        let findings = Doctor(machine: example.machine, root: nil).examine()
        let finding = try #require(findings.first { $0.name == example.name })
        #expect(finding.state == example.state)
        #expect(finding.says.contains(example.says), "\(finding)")
        #expect(finding.mend.isEmpty == (finding.state == .good), "\(finding)")
        #expect(example.mend.isEmpty || finding.mend.contains(example.mend), "\(finding)")
        #expect(findings.filter { $0.state != .good && $0.name != example.name } == [])
    }

    @Test("Of a standalone daemon its own socket counts, and what it cannot have is a warning")
    func standalone() {
        let machine = Self.machine(
            without: ["/sys/fs/cgroup/cgroup.controllers"], unreachable: ["/x/control.sock"])
        let findings = Doctor(machine: machine, root: "/x").examine()
        #expect(findings.filter { $0.state == .fault }.map(\.name) == ["daemon"])
        #expect(findings.filter { $0.state == .warning }.map(\.name) == ["groups"])
        #expect(!findings.contains { $0.name == "bus" })
    }

    @Test("A directory without a daemon is status 1, in words and in JSON")
    func command() throws {
        let directory = try TemporaryDirectory()
        let said = CtlRun("--root", directory.path, "doctor")
        #expect(said.status == 1)
        #expect(said.output.contains("FAULT    daemon: nobody answers"))
        #expect(said.output.contains("what helps: cloisterd --standalone \(directory.path)"))
        let json = CtlRun("--json", "--root", directory.path, "doctor")
        #expect(json.status == 1)
        #expect(json.output.hasPrefix(#"{"ok":false,"findings":[{"name":"daemon","state":"fault""#))
    }
}
