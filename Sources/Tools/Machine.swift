import Linux

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
        SystemClock.reloadTimeZone()
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
