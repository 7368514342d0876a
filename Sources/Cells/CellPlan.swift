// What cloisterd asks celld to build. It says what the cell shall be and for which application; it never
// says for which user: that is the kernel's word about the client's socket, which comes with the plan.

package struct CellPlan: Equatable, Sendable {
    /// A part of the host's file tree that the cell sees at its own path.
    package struct Tree: Equatable, Sendable {
        /// What programs may do with it, which can be less than the file tools may: those ask a person where they
        /// have to, and programs ask nobody.
        package enum ProgramAccess: UInt8, Comparable, Sendable {
            case none, read, write

            package static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
        }

        package let path: String
        package let isWritable: Bool
        package let programs: ProgramAccess

        package init(_ path: String, isWritable: Bool, programs: ProgramAccess? = nil) {
            (self.path, self.isWritable) = (path, isWritable)
            let most: ProgramAccess = isWritable ? .write : .read
            self.programs = min(programs ?? most, most)
        }

        package var isNarrowerForPrograms: Bool { programs < (isWritable ? .write : .read) }

        /// Where every cell has something of its own: a tree there would take its place. Below /tmp is room for
        /// others.
        package var isInPlaceOfCells: Bool {
            path == "/tmp"
                || ["/proc", "/dev", "/workspace"].contains { path == $0 || path.hasPrefix($0 + "/") }
        }
    }

    package static let version: UInt16 = 1
    package static let mostTrees = 64
    package static let longestPath = 4095
    package static let longestApplication = 64

    /// Names the workspace together with the user: `[a-z0-9._-]`, not beginning with a dot.
    package var application: String
    /// A fresh workspace that goes with the cell.
    package var isEphemeral: Bool
    package var limits: CellLimits
    package var trees: [Tree]
    /// The walls that may be missing, because an administrator said so.
    package var mayLack: WallSet

    package init(
        application: String, isEphemeral: Bool = false, limits: CellLimits = CellLimits(),
        trees: [Tree] = [], mayLack: WallSet = []
    ) {
        (self.application, self.isEphemeral) = (application, isEphemeral)
        (self.limits, self.trees, self.mayLack) = (limits, trees, mayLack)
    }

    package static func isApplication(_ name: String) -> Bool {
        (1...longestApplication).contains(name.utf8.count) && !name.hasPrefix(".")
            && name.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// Absolute, without empty, `.` and `..` parts, and not the root itself. A path of this form names one
    /// place as long as nothing on it is a symbolic link, which is for the one who opens it to see to.
    package static func isTreePath(_ path: String) -> Bool {
        guard path.utf8.count <= longestPath, path.first == "/", path.count > 1 else { return false }
        return path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .allSatisfy { part in
                !part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8)
                    && !part.contains(0)
            }
    }

    // MARK: Coding

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.integer(Self.version)
        writer.text(application)
        writer.flag(isEphemeral)
        limits.write(to: &writer)
        writer.integer(mayLack.rawValue)
        Tree.write(trees, to: &writer)
        return writer.bytes
    }

    package init(decoding bytes: ArraySlice<UInt8>) throws(CodingFault) {
        var reader = ByteReader(bytes)
        _ = try reader.integer("version", in: Self.version...Self.version)
        application = try reader.text("application", most: Self.longestApplication)
        guard Self.isApplication(application) else {
            throw reader.fault("application", "not a name of one")
        }
        isEphemeral = try reader.flag("isEphemeral")
        limits = try CellLimits(from: &reader)
        mayLack = WallSet(rawValue: try reader.integer("mayLack", in: 0...WallSet.all.rawValue))
        trees = try Tree.read(from: &reader)
        try reader.finish("plan")
    }
}
