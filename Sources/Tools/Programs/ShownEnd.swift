import Cells
import JSON

/// How a program ended, and what it used.
struct ShownEnd {
    let end: ProgramEnd
    let place: ProgramRun.Place

    init(_ end: ProgramEnd, in place: ProgramRun.Place = .cell) { (self.end, self.place) = (end, place) }

    static let members: [Schema.Member] = [
        .optional("exit_code", .count("The status that it ended with, unless a signal ended it")),
        .optional("signal", .string("The signal that ended it, such as SIGKILL")),
        .required("out_of_memory", .boolean("The memory limit of this client ended it")),
        .required("cpu_seconds", .number("Of it and all that it started")),
        .required("wall_seconds", .number()),
        .required("peak_memory_bytes", .count()),
    ]

    var cause: String {
        var cause =
            switch end.cause {
            case .exited(let status): "exit status \(status)"
            case .signalled(let signal): "ended by \(SignalName.of(signal))"
            }
        if let wall { cause += ": \(wall)" }
        return cause
    }

    /// Where a wall of the cell ended it: which, and what would allow more.
    private var wall: String? {
        guard place == .cell else {
            return end.ranOutOfMemory
                ? "out of memory, the limit of this client was reached; an administrator can raise it in the policy"
                : nil
        }
        if end.ranOutOfMemory {
            return
                "out of memory, the limit of this cell was reached (wall cgroup); an administrator can raise it"
                + " in the policy"
        }
        switch end.cause {
        case .signalled(SignalName.badSystemCall):
            return "it made a system call that this cell's filter does not let through (wall seccomp)"
        case .signalled(SignalName.fileTooLarge):
            return
                "a file became larger than this cell allows (wall rlimits); an administrator can raise the limit"
                + " in the policy"
        default: return nil
        }
    }

    var usage: String {
        "\(Self.seconds(end.wallMicroseconds)) s, \(Self.seconds(end.cpuMicroseconds)) s of CPU,"
            + " \(Self.mebibytes(end.peakMemoryBytes)) MiB"
    }

    func write(to json: inout JSONWriter) {
        switch end.cause {
        case .exited(let status): json.member("exit_code", status)
        case .signalled(let signal): json.member("signal", SignalName.of(signal))
        }
        json.member("out_of_memory", end.ranOutOfMemory)
        json.member("cpu_seconds", Double(end.cpuMicroseconds) / 1e6)
        json.member("wall_seconds", Double(end.wallMicroseconds) / 1e6)
        json.member("peak_memory_bytes", end.peakMemoryBytes)
    }

    static func seconds(_ microseconds: UInt64) -> String {
        let hundredths = microseconds / 10_000
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }

    private static func mebibytes(_ bytes: UInt64) -> String {
        let tenths = bytes / 1024 * 10 / 1024
        return "\(tenths / 10).\(tenths % 10)"
    }
}
