/// What celld sees of the process at the other end of a client's socket, and cloisterd has no right to see. What is
/// not there is not known, and nothing is decided by it.
package struct ClientIdentity: Equatable, Sendable {
    /// The path of the program's file on the host, where that path leads to this very file.
    package var executable: String?
    package var parentExecutable: String?
    /// The process's place in the unified hierarchy of control groups.
    package var controlGroup: String?

    package init(executable: String? = nil, parentExecutable: String? = nil, controlGroup: String? = nil) {
        (self.executable, self.parentExecutable) = (executable, parentExecutable)
        self.controlGroup = controlGroup
    }

    private static let longest = CellPlan.longestPath

    func write(to writer: inout ByteWriter) {
        for value in [executable, parentExecutable, controlGroup] {
            writer.optional(value.flatMap { $0.utf8.count <= Self.longest ? $0 : nil }) { $0.text($1) }
        }
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        func path(_ field: StaticString) throws(CodingFault) -> String? {
            try reader.optional(field) { (reader) throws(CodingFault) in
                try reader.text(field, most: Self.longest)
            }
        }
        executable = try path("executable")
        parentExecutable = try path("parentExecutable")
        controlGroup = try path("controlGroup")
    }
}
