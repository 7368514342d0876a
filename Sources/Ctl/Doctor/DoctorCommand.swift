import Audit
import Bus
import JSON
import Linux
import PolicyFiles

/// `cloisterctl doctor`: what is wrong on this machine, and how to mend it.
enum DoctorCommand {
    static let command = Command(
        "doctor", "Find what is wrong on this machine, and say how to mend it",
        details:
            "Ends with status 1 when something keeps Cloister from working; what only narrows it is a warning."
    ) { (invocation) throws(CtlFault) in
        let root = invocation.places.root
        try report(Doctor(machine: .this(root), root: root).examine(), invocation)
    }

    static func report(_ findings: [Finding], _ invocation: Invocation) throws(CtlFault) {
        if invocation.isJSON {
            try invocation.output.writeJSON(json(findings))
        } else {
            try invocation.output.write(findings.map(text).joined())
        }
        if findings.contains(where: { $0.state == .fault }) { throw .answered }
    }

    private static func text(_ finding: Finding) -> String {
        let mark =
            switch finding.state {
            case .good: "ok     "
            case .warning: "warning"
            case .fault: "FAULT  "
            }
        let line = ShownText.plain("\(mark)  \(finding.name): \(finding.says)") + "\n"
        return finding.mend.isEmpty
            ? line : line + ShownText.plain("         what helps: \(finding.mend)") + "\n"
    }

    private static func json(_ findings: [Finding]) -> [UInt8] {
        JSONWriter.bytes { json in
            json.object { json in
                json.member("ok", !findings.contains { $0.state == .fault })
                json.array("findings") { list in
                    for finding in findings {
                        list.object {
                            $0.member("name", finding.name)
                            $0.member("state", finding.state.rawValue)
                            $0.member("says", finding.says)
                            $0.member("mend", finding.mend)
                        }
                    }
                }
            }
        }
    }
}

extension ExaminedMachine {
    static func this(_ root: String?) -> ExaminedMachine {
        let bus = root == nil ? try? WaitingBus(.ofSystem()) : nil
        return ExaminedMachine(
            kernelRelease: Process.kernel.release, landlock: Landlock.abi,
            isThere: { File.kind(of: $0) != nil || (try? File.readLink($0)) != nil },
            text: { try? File.readText($0) }, link: { try? File.readLink($0) },
            unreachable: { path in
                do throws(SystemError) {
                    _ = try UnixSocket.connect(to: path)
                    return nil
                } catch {
                    return error
                }
            },
            stateOfUnit: { unit in
                let manager = "org.freedesktop.systemd1"
                let loaded = BusMethod(manager, "/org/freedesktop/systemd1", "\(manager).Manager", "LoadUnit")
                let answer = try? bus?.call(loaded) { (call) throws(BusError) in try call.append(unit) }
                guard let path = try? answer?.readPath() else { return nil }
                return bus?.text(of: manager, path, "\(manager).Unit", "ActiveState")
            },
            runningVersion: {
                let name = "org.cloister.Cloister1"
                return bus?.text(of: name, "/org/cloister/Cloister1", "\(name).Manager", "Version")
            },
            policy: {
                let directories: PolicyDirectories = root.map { .standalone($0) } ?? .system
                let found = directories.read(at: PolicyCommands.moment)
                return (found.files.count, found.faults.map { "\($0)" })
            })
    }
}

extension WaitingBus {
    /// A property that is a text; `nil` where it is not to be had.
    fileprivate func text(
        of destination: String, _ path: String, _ interface: String, _ property: String
    ) -> String? {
        let get = BusMethod(destination, path, "org.freedesktop.DBus.Properties", "Get")
        let answer = try? call(get) { (message) throws(BusError) in
            try message.append(interface)
            try message.append(property)
        }
        guard case .string(let text)? = try? answer?.readVariant("s") else { return nil }
        return text
    }
}
