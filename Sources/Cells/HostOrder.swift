// What celld tells a process that runs one command on the host, in one datagram. It is all that the process ever reads
// of anybody: who to be, and what to run. It answers as a new cell does, with a report or a refusal.
//
// The descriptors that come along, in this order: the socket to cloisterd, always; what the command reads; the
// control group in which it runs.

package struct HostOrder: Equatable, Sendable {
    package var uid: UInt32
    package var gid: UInt32
    package var groups: [UInt32]
    /// Whether it has to become that user, which an ordinary user's already is.
    package var changesUser: Bool
    /// The program first, by its absolute path.
    package var arguments: [String]
    /// NAME=value each: the whole environment.
    package var environment: [String]
    package var directory: String
    /// Where the command runs in / if the directory cannot be entered: nobody asked for it.
    package var isDirectoryUsual: Bool
    package var hasInput: Bool
    package var hasGroup: Bool
    package var timeoutMilliseconds: UInt32
    package var mostOutput: UInt32
    package var limits: CellLimits
    /// What is known to be missing before it begins.
    package var report: WallReport

    package var isRoot: Bool { uid == 0 }

    /// The argument by which celld tells a process of ours that it shall run a command, and not become a cell.
    package static let word = "command"

    package init(_ command: HostCommand, uid: UInt32, gid: UInt32, groups: [UInt32], changesUser: Bool) {
        (self.uid, self.gid, self.groups, self.changesUser) = (uid, gid, groups, changesUser)
        (arguments, environment) = (command.arguments, command.environment)
        (directory, isDirectoryUsual) = (command.directory, false)
        (hasInput, hasGroup) = (command.hasInput, false)
        (timeoutMilliseconds, mostOutput) = (command.timeoutMilliseconds, command.mostOutput)
        (limits, report) = (command.limits, WallReport())
    }

    /// What fits into one message. The kernel would take more.
    package static let mostGroups = 8192
    /// celld's variables come on top of the command's.
    static let mostBytes = HostCommand.mostBytes + (16 << 10)

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        for value in [uid, gid] { writer.integer(value) }
        writer.list(groups) { $0.integer($1) }
        writer.flag(changesUser)
        writer.list(arguments) { $0.text($1) }
        writer.list(environment) { $0.text($1) }
        writer.text(directory)
        for flag in [isDirectoryUsual, hasInput, hasGroup] { writer.flag(flag) }
        writer.integer(timeoutMilliseconds)
        writer.integer(mostOutput)
        limits.write(to: &writer)
        report.write(to: &writer)
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(CodingFault) {
        var reader = ByteReader(bytes[...])
        func texts(_ field: StaticString) throws(CodingFault) -> [String] {
            try reader.list(field, most: Self.mostBytes) { (reader) throws(CodingFault) in
                try reader.text(field, most: Self.mostBytes)
            }
        }
        // -1 is nobody: a call that is asked to become it changes nothing.
        uid = try reader.integer("uid", in: 0...(UInt32.max - 1))
        gid = try reader.integer("gid", in: 0...(UInt32.max - 1))
        groups = try reader.list("groups", most: Self.mostGroups) { (reader) throws(CodingFault) in
            try reader.integer("groups", in: 0...(UInt32.max - 1))
        }
        changesUser = try reader.flag("changesUser")
        guard changesUser || uid != 0 else { throw reader.fault("changesUser", "root is nobody's own user") }
        arguments = try texts("arguments")
        guard let program = arguments.first, HostCommand.isProgram(program) else {
            throw reader.fault("arguments", "the program has no plain absolute path")
        }
        environment = try texts("environment")
        guard environment.allSatisfy(HostCommand.isVariable) else {
            throw reader.fault("environment", "not a variable")
        }
        directory = try reader.text("directory", most: HostCommand.longestPath)
        guard directory.utf8.first == UInt8(ascii: "/") else {
            throw reader.fault("directory", "not an absolute path")
        }
        isDirectoryUsual = try reader.flag("isDirectoryUsual")
        hasInput = try reader.flag("hasInput")
        hasGroup = try reader.flag("hasGroup")
        timeoutMilliseconds = try reader.integer("timeout")
        mostOutput = try reader.integer("mostOutput", in: 0...(16 << 20))
        limits = try CellLimits(from: &reader)
        report = try WallReport(from: &reader)
        try reader.finish("order")
    }
}
