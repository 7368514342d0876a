/// How much a cell may have of what is scarce.
package struct CellLimits: Equatable, Sendable {
    /// Above this the kernel takes memory back and slows programs down, by the square of how far above they are: one
    /// that wants much more than a fiftieth above stands still, and never comes to where it would be ended.
    package var memoryHigh: UInt64 = (2 << 30) - (32 << 20)
    /// Above this it ends the call.
    package var memoryMost: UInt64 = 2 << 30
    package var swapMost: UInt64 = 0
    package var tasks: UInt32 = 512
    /// Hundredths of one CPU: 200 is two CPUs.
    package var cpuPercent: UInt32 = 200
    package var cpuWeight: UInt32 = 100
    package var ioWeight: UInt32 = 100
    package var openFiles: UInt64 = 1024
    package var fileBytes: UInt64 = 1 << 30
    package var lockedBytes: UInt64 = 64 << 10
    package var temporaryBytes: UInt64 = 256 << 20
    package var workspaceBytes: UInt64 = 1 << 30

    package init() {}

    func write(to writer: inout ByteWriter) {
        for value in [memoryHigh, memoryMost, swapMost] { writer.integer(value) }
        for value in [tasks, cpuPercent, cpuWeight, ioWeight] { writer.integer(value) }
        for value in [openFiles, fileBytes, lockedBytes, temporaryBytes, workspaceBytes] {
            writer.integer(value)
        }
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        // Beyond the upper bounds nobody means what they say; below the lower ones no program starts.
        let bytes: ClosedRange<UInt64> = 0...(1 << 50)
        memoryHigh = try reader.integer("memoryHigh", in: (4 << 20)...(1 << 50))
        memoryMost = try reader.integer("memoryMost", in: (4 << 20)...(1 << 50))
        swapMost = try reader.integer("swapMost", in: bytes)
        tasks = try reader.integer("tasks", in: 2...4_194_304)
        cpuPercent = try reader.integer("cpuPercent", in: 1...1_000_000)
        cpuWeight = try reader.integer("cpuWeight", in: 1...10_000)
        ioWeight = try reader.integer("ioWeight", in: 1...10_000)
        openFiles = try reader.integer("openFiles", in: 16...1_048_576)
        fileBytes = try reader.integer("fileBytes", in: bytes)
        lockedBytes = try reader.integer("lockedBytes", in: bytes)
        temporaryBytes = try reader.integer("temporaryBytes", in: (64 << 10)...(1 << 50))
        workspaceBytes = try reader.integer("workspaceBytes", in: (64 << 10)...(1 << 50))
    }
}
