/// What celld sees of the process at the other end of a client's socket, and cloisterd has no right to see. What is
/// not there is not known, and nothing is decided by it.
package struct ClientIdentity: Equatable, Sendable {
    /// The path of the program's file on the host, where that path leads to this very file.
    package var executable: String?
    /// Which file that is, so that another one under its path is not taken for it.
    package var executableFile: File?
    package var parentExecutable: String?
    /// The process's place in the unified hierarchy of control groups.
    package var controlGroup: String?

    package struct File: Hashable, Sendable {
        package let device: UInt64
        package let inode: UInt64

        package init(device: UInt64, inode: UInt64) { (self.device, self.inode) = (device, inode) }
    }

    package init(
        executable: String? = nil, _ file: File? = nil, parentExecutable: String? = nil,
        controlGroup: String? = nil
    ) {
        (self.executable, executableFile, self.parentExecutable) = (executable, file, parentExecutable)
        self.controlGroup = controlGroup
    }

    private static let longest = CellPlan.longestPath

    package func write(to writer: inout ByteWriter) {
        writer.optional(executableFile) {
            $0.integer($1.device)
            $0.integer($1.inode)
        }
        for value in [executable, parentExecutable, controlGroup] {
            writer.optional(value.flatMap { $0.utf8.count <= Self.longest ? $0 : nil }) { $0.text($1) }
        }
    }

    package init(from reader: inout ByteReader) throws(CodingFault) {
        func path(_ field: StaticString) throws(CodingFault) -> String? {
            try reader.optional(field) { (reader) throws(CodingFault) in
                try reader.text(field, most: Self.longest)
            }
        }
        executableFile = try reader.optional("executableFile") { (reader) throws(CodingFault) in
            File(device: try reader.integer("device"), inode: try reader.integer("inode"))
        }
        executable = try path("executable")
        parentExecutable = try path("parentExecutable")
        controlGroup = try path("controlGroup")
    }
}
