// What became of a program.

package struct ProgramEnd: Equatable, Sendable {
    package enum Cause: Equatable, Sendable {
        case exited(UInt8)
        case signalled(UInt8)
    }

    package var cause: Cause
    package var timedOut = false
    /// The kernel's memory limit ended it.
    package var ranOutOfMemory = false
    package var cpuMicroseconds: UInt64 = 0
    package var wallMicroseconds: UInt64 = 0
    package var peakMemoryBytes: UInt64 = 0
    package var outputBytes: UInt64 = 0
    package var errorBytes: UInt64 = 0
    /// Where all of the output is, when it was more than was sent; empty otherwise.
    package var outputFile = ""
    package var errorFile = ""

    package init(_ cause: Cause) { self.cause = cause }

    func write(to writer: inout ByteWriter) {
        switch cause {
        case .exited(let status):
            writer.integer(UInt8(0))
            writer.integer(status)
        case .signalled(let signal):
            writer.integer(UInt8(1))
            writer.integer(signal)
        }
        for flag in [timedOut, ranOutOfMemory] { writer.flag(flag) }
        for value in [cpuMicroseconds, wallMicroseconds, peakMemoryBytes, outputBytes, errorBytes] {
            writer.integer(value)
        }
        writer.text(outputFile)
        writer.text(errorFile)
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        let wasSignalled = try reader.flag("wasSignalled")
        let number: UInt8 = try reader.integer("status")
        cause = wasSignalled ? .signalled(number) : .exited(number)
        timedOut = try reader.flag("timedOut")
        ranOutOfMemory = try reader.flag("ranOutOfMemory")
        cpuMicroseconds = try reader.integer("cpuMicroseconds")
        wallMicroseconds = try reader.integer("wallMicroseconds")
        peakMemoryBytes = try reader.integer("peakMemoryBytes")
        outputBytes = try reader.integer("outputBytes")
        errorBytes = try reader.integer("errorBytes")
        outputFile = try reader.text("outputFile", most: CellPlan.longestPath)
        errorFile = try reader.text("errorFile", most: CellPlan.longestPath)
    }
}

/// One that stays, or stayed.
package struct ProcessStatus: Equatable, Sendable {
    package var process: UInt32
    package var pid: UInt32
    package var command: String
    package var runningMicroseconds: UInt64
    /// `nil` while it runs.
    package var end: ProgramEnd?

    package init(
        process: UInt32, pid: UInt32, command: String, runningMicroseconds: UInt64, end: ProgramEnd?
    ) {
        (self.process, self.pid, self.command) = (process, pid, command)
        (self.runningMicroseconds, self.end) = (runningMicroseconds, end)
    }

    func write(to writer: inout ByteWriter) {
        writer.integer(process)
        writer.integer(pid)
        writer.text(command)
        writer.integer(runningMicroseconds)
        writer.optional(end) { $1.write(to: &$0) }
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        process = try reader.integer("process")
        pid = try reader.integer("pid")
        command = try reader.text("command", most: ProgramStart.mostBytes)
        runningMicroseconds = try reader.integer("runningMicroseconds")
        end = try reader.optional("hasEnded") { (reader) throws(CodingFault) in try ProgramEnd(from: &reader)
        }
    }
}

package struct ProcessOutput: Equatable, Sendable {
    /// Where these bytes begin in all that it has written: later than asked for when the beginning is no
    /// longer kept.
    package var from: UInt64
    package var bytes: [UInt8]
    package var status: ProcessStatus

    package init(from: UInt64, bytes: [UInt8], status: ProcessStatus) {
        (self.from, self.bytes, self.status) = (from, bytes, status)
    }

    func write(to writer: inout ByteWriter) {
        writer.integer(from)
        writer.data(bytes)
        status.write(to: &writer)
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        from = try reader.integer("from")
        bytes = try reader.data("bytes", most: 1 << 20)
        status = try ProcessStatus(from: &reader)
    }
}

package enum ProgramResult: Equatable, Sendable {
    case ended(ProgramEnd)
    case status(ProcessStatus)
    case output(ProcessOutput)
    case accepted(UInt32)
    case processes([ProcessStatus])

    static let mostProcesses = 4096

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .ended(let end):
            writer.integer(UInt8(1))
            end.write(to: &writer)
        case .status(let status):
            writer.integer(UInt8(2))
            status.write(to: &writer)
        case .output(let output):
            writer.integer(UInt8(3))
            output.write(to: &writer)
        case .accepted(let count):
            writer.integer(UInt8(4))
            writer.integer(count)
        case .processes(let list):
            writer.integer(UInt8(5))
            writer.list(list) { $1.write(to: &$0) }
        }
        return writer.bytes
    }

    package init(decoding bytes: ArraySlice<UInt8>) throws(CodingFault) {
        var reader = ByteReader(bytes)
        switch try reader.integer("result", in: UInt8(1)...5) {
        case 1: self = .ended(try ProgramEnd(from: &reader))
        case 2: self = .status(try ProcessStatus(from: &reader))
        case 3: self = .output(try ProcessOutput(from: &reader))
        case 4: self = .accepted(try reader.integer("count"))
        default:
            self = .processes(
                try reader.list("processes", most: Self.mostProcesses) { (reader) throws(CodingFault) in
                    try ProcessStatus(from: &reader)
                })
        }
        try reader.finish("result")
    }
}
