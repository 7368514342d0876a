import CLinux
import Glibc
import JSON
import Linux
import MCP

/// `system_info`: what machine this is and how it is doing. Reads what every user may read.
package enum SystemInfo {
    package static func registered() -> RegisteredTool {
        let machine = Machine.current()
        return RegisteredTool(tool) { arguments, _ in
            do throws(Arguments.Fault) {
                _ = try Arguments(arguments, known: [])
            } catch {
                return .failure(error.description)
            }
            return report(machine, Load.current())
        }
    }

    static func report(_ machine: Machine, _ load: Load) -> ToolResult {
        .structured { info in
            info.object("kernel") {
                $0.member("name", machine.kernelName)
                $0.member("release", machine.kernelRelease)
                $0.member("machine", machine.architecture)
            }
            info.object("distribution") {
                $0.member("id", machine.distributionID)
                $0.member("name", machine.distributionName)
            }
            info.object("cpus") {
                $0.member("online", load.onlineCPUs)
                $0.optionalMember("model", machine.cpuModel)
            }
            info.object("memory") {
                $0.member("total_bytes", load.memoryTotal)
                $0.member("available_bytes", load.memoryAvailable)
                $0.member("swap_total_bytes", load.swapTotal)
                $0.member("swap_free_bytes", load.swapFree)
            }
            info.array("load") { for average in load.averages { $0.double(average) } }
            info.member("uptime_seconds", load.uptimeSeconds)
            info.object("time_zone") {
                $0.optionalMember("name", machine.timeZone)
                $0.member("utc_offset_seconds", load.utcOffsetSeconds)
            }
        }
    }

    private static let tool = Tool(
        name: "system_info",
        title: "System information",
        description: """
            Describes the Linux machine that the tools run on: kernel, distribution, CPUs, memory and \
            swap in bytes, load averages over 1, 5 and 15 minutes, uptime, time zone.
            """,
        inputSchema: JSONDocument(literal: #"{"type":"object","additionalProperties":false}"#),
        outputSchema: outputSchema,
        annotations: Tool.Annotations(
            readOnly: true, destructive: false, idempotent: true, openWorld: false))

    private static let outputSchema = JSONDocument(
        literal: """
            {
              "type": "object",
              "properties": {
                "kernel": {
                  "type": "object",
                  "properties": {
                    "name": {"type": "string"},
                    "release": {"type": "string"},
                    "machine": {"type": "string", "description": "The architecture, such as x86_64"}
                  },
                  "required": ["name", "release", "machine"]
                },
                "distribution": {
                  "type": "object",
                  "properties": {
                    "id": {"type": "string", "description": "ID of os-release, such as debian"},
                    "name": {"type": "string"}
                  },
                  "required": ["id", "name"]
                },
                "cpus": {
                  "type": "object",
                  "properties": {
                    "online": {"type": "integer", "minimum": 1},
                    "model": {"type": "string"}
                  },
                  "required": ["online"]
                },
                "memory": {
                  "type": "object",
                  "properties": {
                    "total_bytes": {"type": "integer", "minimum": 0},
                    "available_bytes": {"type": "integer", "minimum": 0},
                    "swap_total_bytes": {"type": "integer", "minimum": 0},
                    "swap_free_bytes": {"type": "integer", "minimum": 0}
                  },
                  "required": ["total_bytes", "available_bytes", "swap_total_bytes", "swap_free_bytes"]
                },
                "load": {
                  "type": "array",
                  "description": "Averages over 1, 5 and 15 minutes",
                  "items": {"type": "number", "minimum": 0},
                  "minItems": 3,
                  "maxItems": 3
                },
                "uptime_seconds": {"type": "number", "minimum": 0},
                "time_zone": {
                  "type": "object",
                  "properties": {
                    "name": {"type": "string", "description": "The IANA name, such as Europe/Paris"},
                    "utc_offset_seconds": {"type": "integer"}
                  },
                  "required": ["utc_offset_seconds"]
                }
              },
              "required": [
                "kernel", "distribution", "cpus", "memory", "load", "uptime_seconds", "time_zone"
              ]
            }
            """)
}

/// What does not change while the system runs (or changes so seldom that a reload may say so).
struct Machine: Sendable {
    var kernelName = "Linux"
    var kernelRelease = ""
    var architecture = ""
    var distributionID = "linux"
    var distributionName = "Linux"
    var cpuModel: String?
    var timeZone: String?

    static func current() -> Machine {
        var machine = Machine()
        (machine.kernelName, machine.kernelRelease, machine.architecture) = Process.kernel
        let release = text("/etc/os-release") ?? text("/usr/lib/os-release") ?? ""
        let fields = Self.fields(ofRelease: release)
        machine.distributionID = fields["ID"] ?? machine.distributionID
        machine.distributionName = fields["PRETTY_NAME"] ?? fields["NAME"] ?? machine.distributionName
        machine.cpuModel = text("/proc/cpuinfo").flatMap { cpuModel(in: $0) }
        machine.timeZone = timeZoneName(
            link: try? File.readLink("/etc/localtime"), file: text("/etc/timezone"))
        return machine
    }

    private static func text(_ path: String) -> String? { try? File.readText(path) }

    /// os-release is a subset of shell: NAME=value, the value perhaps in quotes.
    static func fields(ofRelease text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            fields[String(parts[0])] = unquoted(parts[1])
        }
        return fields
    }

    private static func unquoted(_ value: Substring) -> String {
        var value = value
        if let quote = value.first, quote == "\"" || quote == "'", value.count >= 2,
            value.last == quote
        {
            value = value.dropFirst().dropLast()
            // Between single quotes a backslash is itself.
            if quote == "'" { return String(value) }
        }
        var isEscaped = false
        let plain = value.filter { character in
            defer { isEscaped = character == "\\" && !isEscaped }
            return character != "\\" || isEscaped
        }
        return String(plain)
    }

    static func cpuModel(in cpuinfo: String) -> String? {
        for line in cpuinfo.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].prefix { $0 != "\t" }
            guard name == "model name" || name == "Model", parts.count == 2 else { continue }
            let model = parts[1].drop { $0 == " " }
            if !model.isEmpty { return String(model) }
        }
        return nil
    }

    /// /etc/localtime points into the zoneinfo tree; /etc/timezone says it where it is a copy.
    static func timeZoneName(link: String?, file: String?) -> String? {
        let marker = "zoneinfo/"
        if let link, let range = link.firstRange(of: marker), range.upperBound < link.endIndex {
            return String(link[range.upperBound...])
        }
        return file.flatMap { $0.split(separator: "\n").first.map(String.init) }
    }
}

/// What changes from one moment to the next.
struct Load: Sendable {
    var onlineCPUs = 1
    var memoryTotal = 0
    var memoryAvailable = 0
    var swapTotal = 0
    var swapFree = 0
    var averages: [Double] = [0, 0, 0]
    var uptimeSeconds = 0.0
    var utcOffsetSeconds = 0

    static func current() -> Load {
        var load = Load()
        load.onlineCPUs = max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN)))
        load.readMemory((try? File.readText("/proc/meminfo")) ?? "")
        load.readAverages((try? File.readText("/proc/loadavg")) ?? "")
        load.uptimeSeconds = Double(SystemClock.boot.components.seconds)
        load.utcOffsetSeconds = SystemClock.utcOffsetSeconds
        return load
    }

    /// Lines such as "MemTotal:       24597676 kB". By bytes, for taking fifty lines of text apart by
    /// characters is nine tenths of a call's time.
    mutating func readMemory(_ meminfo: String) {
        func bytes(_ name: String, in line: Substring.UTF8View) -> Int? {
            guard line.starts(with: name.utf8) else { return nil }
            let digits = line.dropFirst(name.utf8.count).drop { $0 == UInt8(ascii: " ") }
                .prefix { $0 != UInt8(ascii: " ") }
            return Int(Substring(digits)).flatMap { kilobytes in
                let (bytes, overflows) = kilobytes.multipliedReportingOverflow(by: 1024)
                return overflows || kilobytes < 0 ? nil : bytes
            }
        }
        for line in meminfo.utf8.split(separator: UInt8(ascii: "\n")) {
            switch line.first {
            case UInt8(ascii: "M"):
                memoryTotal = bytes("MemTotal:", in: line) ?? memoryTotal
                memoryAvailable = bytes("MemAvailable:", in: line) ?? memoryAvailable
            case UInt8(ascii: "S"):
                swapTotal = bytes("SwapTotal:", in: line) ?? swapTotal
                swapFree = bytes("SwapFree:", in: line) ?? swapFree
            default: break
            }
        }
    }

    mutating func readAverages(_ loadavg: String) {
        let words = loadavg.utf8.split(separator: UInt8(ascii: " ")).prefix(3)
        let numbers = words.compactMap { Double(Substring($0)) }.filter { $0.isFinite && $0 >= 0 }
        if numbers.count == 3 { averages = numbers }
    }
}
