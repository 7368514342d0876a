import CLinux
import Glibc
import Linux

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
