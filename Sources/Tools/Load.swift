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
        load.readMemory((try? File.read("/proc/meminfo")) ?? [])
        load.readAverages((try? File.readText("/proc/loadavg")) ?? "")
        load.uptimeSeconds = Double(SystemClock.boot.components.seconds)
        load.utcOffsetSeconds = SystemClock.utcOffsetSeconds
        return load
    }

    /// Lines such as "MemTotal:       24597676 kB". By bytes and once, for this is the most of a call's work.
    mutating func readMemory(_ meminfo: [UInt8]) {
        var rest = meminfo[...]
        while !rest.isEmpty {
            let line = rest[..<(rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex)]
            rest = rest[line.endIndex...].dropFirst()
            switch line.first {
            case UInt8(ascii: "M"):
                memoryTotal = Self.bytes("MemTotal:", in: line) ?? memoryTotal
                memoryAvailable = Self.bytes("MemAvailable:", in: line) ?? memoryAvailable
            case UInt8(ascii: "S"):
                swapTotal = Self.bytes("SwapTotal:", in: line) ?? swapTotal
                swapFree = Self.bytes("SwapFree:", in: line) ?? swapFree
            default: break
            }
        }
    }

    private static func bytes(_ name: String, in line: ArraySlice<UInt8>) -> Int? {
        guard line.starts(with: name.utf8) else { return nil }
        let digits = line.dropFirst(name.utf8.count).drop { $0 == UInt8(ascii: " ") }
            .prefix { $0 != UInt8(ascii: " ") }
        guard let kilobytes = Int(String(decoding: digits, as: UTF8.self)), kilobytes >= 0 else { return nil }
        let (bytes, overflows) = kilobytes.multipliedReportingOverflow(by: 1024)
        return overflows ? nil : bytes
    }

    mutating func readAverages(_ loadavg: String) {
        let words = loadavg.utf8.split(separator: UInt8(ascii: " ")).prefix(3)
        let numbers = words.compactMap { Double(Substring($0)) }.filter { $0.isFinite && $0 >= 0 }
        if numbers.count == 3 { averages = numbers }
    }
}
