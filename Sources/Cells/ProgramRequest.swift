// What a cell is asked to do with programs.

/// A program to start, in the foreground of one call or to stay.
package struct ProgramStart: Equatable, Sendable {
    package var arguments: [String]
    /// NAME=value each: the whole environment, nothing is inherited.
    package var environment: [String]
    /// Empty: the workspace.
    package var directory: String = ""

    package init(arguments: [String], environment: [String] = [], directory: String = "") {
        (self.arguments, self.environment, self.directory) = (arguments, environment, directory)
    }

    /// What fits into one message to the starter; the kernel's own limit of one argument is smaller.
    package static let mostBytes = 160 << 10

    package var byteCount: Int {
        (arguments + environment).reduce(0) { $0 + $1.utf8.count + 1 }
    }

    func write(to writer: inout ByteWriter) {
        for list in [arguments, environment] {
            writer.integer(UInt32(list.count))
            for text in list { writer.text(text) }
        }
        writer.text(directory)
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        func list(_ field: StaticString) throws(CodingFault) -> [String] {
            let count = try reader.integer(field, in: 0...UInt32(Self.mostBytes))
            var texts: [String] = []
            for _ in 0..<count { texts.append(try reader.text(field, most: Self.mostBytes)) }
            return texts
        }
        arguments = try list("arguments")
        environment = try list("environment")
        directory = try reader.text("directory", most: CellPlan.longestPath)
        guard arguments.first?.isEmpty == false else {
            throw reader.fault("arguments", "there is no program")
        }
        guard byteCount <= Self.mostBytes else {
            throw reader.fault("arguments", "\(byteCount) bytes are more than \(Self.mostBytes)")
        }
    }
}

package struct RunProgram: Equatable, Sendable {
    package var start: ProgramStart
    package var input: [UInt8] = []
    /// 0: none.
    package var timeoutMilliseconds: UInt32 = 0
    /// How much of each stream is sent; all of a longer one goes to a file in the workspace.
    package var mostOutput: UInt32 = 256 << 10

    package init(_ start: ProgramStart) { self.start = start }

    package static let mostInput = 16 << 20

    func write(to writer: inout ByteWriter) {
        start.write(to: &writer)
        writer.data(input)
        writer.integer(timeoutMilliseconds)
        writer.integer(mostOutput)
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        start = try ProgramStart(from: &reader)
        input = try reader.data("input", most: Self.mostInput)
        timeoutMilliseconds = try reader.integer("timeout")
        mostOutput = try reader.integer("mostOutput", in: 0...(16 << 20))
    }
}

package enum ProgramRequest: Equatable, Sendable {
    case run(RunProgram)
    case start(ProgramStart)
    /// Output of one that stays, from a place in what it has written.
    case output(process: UInt32, standardErrorToo: Bool, from: UInt64, most: UInt32)
    case input(process: UInt32, [UInt8], closes: Bool)
    /// The signal, and SIGKILL to all that is left after the time of grace.
    case stop(process: UInt32, signal: UInt8, graceMilliseconds: UInt32)
    case list

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .run(let run):
            writer.integer(UInt8(1))
            run.write(to: &writer)
        case .start(let start):
            writer.integer(UInt8(2))
            start.write(to: &writer)
        case .output(let process, let standardErrorToo, let from, let most):
            writer.integer(UInt8(3))
            writer.integer(process)
            writer.flag(standardErrorToo)
            writer.integer(from)
            writer.integer(most)
        case .input(let process, let bytes, let closes):
            writer.integer(UInt8(4))
            writer.integer(process)
            writer.data(bytes)
            writer.flag(closes)
        case .stop(let process, let signal, let grace):
            writer.integer(UInt8(5))
            writer.integer(process)
            writer.integer(signal)
            writer.integer(grace)
        case .list:
            writer.integer(UInt8(6))
        }
        return writer.bytes
    }

    package init(decoding bytes: ArraySlice<UInt8>) throws(CodingFault) {
        var reader = ByteReader(bytes)
        switch try reader.integer("request", in: UInt8(1)...6) {
        case 1: self = .run(try RunProgram(from: &reader))
        case 2: self = .start(try ProgramStart(from: &reader))
        case 3:
            self = .output(
                process: try reader.integer("process"),
                standardErrorToo: try reader.flag("standardErrorToo"),
                from: try reader.integer("from"),
                most: try reader.integer("most", in: 0...(1 << 20)))
        case 4:
            self = .input(
                process: try reader.integer("process"),
                try reader.data("input", most: RunProgram.mostInput),
                closes: try reader.flag("closes"))
        case 5:
            self = .stop(
                process: try reader.integer("process"),
                signal: try reader.integer("signal", in: 1...64),
                graceMilliseconds: try reader.integer("grace"))
        default: self = .list
        }
        try reader.finish("request")
    }
}
