// What cloisterd asks celld to run outside of any cell: one command, as the client's own user or as root. Who that
// user is, is the kernel's word about the client's socket, which comes with it. What stands here is all that will
// ever be said about the command: nothing of it can be changed once celld has read it.

package struct HostCommand: Equatable, Sendable {
    /// The program first, by its absolute path.
    package var arguments: [String]
    /// NAME=value each, beside what celld sets. There are none for root.
    package var environment: [String]
    /// Empty: the user's home, which is the only place for root: many a program does what it finds where it runs.
    package var directory: String
    package var isAsRoot: Bool
    /// What the command reads comes along, in a sealed file behind the client's socket.
    package var hasInput: Bool
    /// 0: none.
    package var timeoutMilliseconds: UInt32
    /// How much of each stream is passed on.
    package var mostOutput: UInt32
    package var limits: CellLimits
    package var mayLack: WallSet

    package init(
        _ arguments: [String], environment: [String] = [], directory: String = "", isAsRoot: Bool = false,
        hasInput: Bool = false, timeoutMilliseconds: UInt32 = 0, mostOutput: UInt32 = 256 << 10,
        limits: CellLimits = CellLimits(), mayLack: WallSet = []
    ) {
        (self.arguments, self.environment, self.directory) = (arguments, environment, directory)
        (self.isAsRoot, self.hasInput) = (isAsRoot, hasInput)
        (self.timeoutMilliseconds, self.mostOutput) = (timeoutMilliseconds, mostOutput)
        (self.limits, self.mayLack) = (limits, mayLack)
    }

    /// With room for the rest of celld's order in the same message.
    package static let mostBytes = 64 << 10
    package static let longestPath = CellPlan.longestPath

    package static func byteCount(_ texts: [String]) -> Int { texts.reduce(0) { $0 + $1.utf8.count + 1 } }

    /// A path that names one program whoever looks at it, and never one of somebody's own making below /proc.
    package static func isProgram(_ path: String) -> Bool {
        CellPlan.isTreePath(path) && !path.utf8.starts(with: "/proc/".utf8)
    }

    package static func isVariable(_ text: String) -> Bool {
        guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else { return false }
        return equals > text.utf8.startIndex
    }

    // MARK: Coding

    func write(to writer: inout ByteWriter) {
        writer.list(arguments) { $0.text($1) }
        writer.list(environment) { $0.text($1) }
        writer.text(directory)
        for flag in [isAsRoot, hasInput] { writer.flag(flag) }
        writer.integer(timeoutMilliseconds)
        writer.integer(mostOutput)
        limits.write(to: &writer)
        writer.integer(mayLack.rawValue)
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        func texts(_ field: StaticString) throws(CodingFault) -> [String] {
            try reader.list(field, most: Self.mostBytes) { (reader) throws(CodingFault) in
                try reader.text(field, most: Self.mostBytes)
            }
        }
        arguments = try texts("arguments")
        guard let program = arguments.first, Self.isProgram(program) else {
            throw reader.fault("arguments", "the program has no plain absolute path")
        }
        environment = try texts("environment")
        guard environment.allSatisfy(Self.isVariable) else {
            throw reader.fault("environment", "not a variable")
        }
        let count = Self.byteCount(arguments + environment)
        guard count <= Self.mostBytes else {
            throw reader.fault("arguments", "\(count) bytes are more than \(Self.mostBytes)")
        }
        directory = try reader.text("directory", most: Self.longestPath)
        guard directory.isEmpty || directory.utf8.first == UInt8(ascii: "/") else {
            throw reader.fault("directory", "not an absolute path")
        }
        isAsRoot = try reader.flag("isAsRoot")
        guard !isAsRoot || environment.isEmpty else {
            throw reader.fault("environment", "root has none but celld's")
        }
        guard !isAsRoot || directory.isEmpty else { throw reader.fault("directory", "root has its own") }
        hasInput = try reader.flag("hasInput")
        timeoutMilliseconds = try reader.integer("timeout")
        mostOutput = try reader.integer("mostOutput", in: 0...(16 << 20))
        limits = try CellLimits(from: &reader)
        mayLack = WallSet(rawValue: try reader.integer("mayLack", in: 0...WallSet.all.rawValue))
    }
}
