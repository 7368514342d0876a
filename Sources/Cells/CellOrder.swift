// What celld tells a new cell's first process about the cell itself, in one datagram, after it has said whose it is
// (CellOwner). The process waits for it before it does anything of its user's, and answers with a report or a refusal.
//
// The descriptors that come along are named by the flags, in this order: the socket to cloisterd, always;
// the workspace's mount; the cell's control group.

package struct CellOrder: Equatable, Sendable {
    package var isEphemeral: Bool
    /// Where the workspace is, when it is not a mount that comes along; empty otherwise.
    package var workspacePath: String
    package var hasWorkspaceMount: Bool
    package var hasGroup: Bool
    package var limits: CellLimits
    package var trees: [CellPlan.Tree]
    package var mayLack: WallSet
    /// What is known to be missing before the cell begins.
    package var report: WallReport

    package init(_ plan: CellPlan) {
        (isEphemeral, limits, trees) = (plan.isEphemeral, plan.limits, plan.trees)
        mayLack = plan.mayLack
        workspacePath = ""
        (hasWorkspaceMount, hasGroup) = (false, false)
        report = WallReport()
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        for flag in [isEphemeral, hasWorkspaceMount, hasGroup] { writer.flag(flag) }
        writer.text(workspacePath)
        limits.write(to: &writer)
        CellPlan.Tree.write(trees, to: &writer)
        writer.integer(mayLack.rawValue)
        report.write(to: &writer)
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(CodingFault) {
        var reader = ByteReader(bytes[...])
        isEphemeral = try reader.flag("isEphemeral")
        hasWorkspaceMount = try reader.flag("hasWorkspaceMount")
        hasGroup = try reader.flag("hasGroup")
        workspacePath = try reader.text("workspacePath", most: CellPlan.longestPath)
        limits = try CellLimits(from: &reader)
        trees = try CellPlan.Tree.read(from: &reader)
        mayLack = WallSet(rawValue: try reader.integer("mayLack", in: 0...WallSet.all.rawValue))
        report = try WallReport(from: &reader)
        try reader.finish("order")
    }
}

extension CellPlan.Tree {
    /// 0 and 1: read-only and writable, for programs too. 2 to 4: where programs have less.
    private static let codes: [(isWritable: Bool, programs: ProgramAccess)] = [
        (false, .read), (true, .write), (false, .none), (true, .read), (true, .none),
    ]

    fileprivate var code: UInt8 {
        UInt8(Self.codes.firstIndex { $0.isWritable == isWritable && $0.programs == programs }!)
    }

    fileprivate init(_ path: String, code: UInt8) {
        let (isWritable, programs) = Self.codes[Int(code)]
        self.init(path, isWritable: isWritable, programs: programs)
    }

    static func write(_ trees: [Self], to writer: inout ByteWriter) {
        writer.integer(UInt16(trees.count))
        for tree in trees {
            writer.text(tree.path)
            writer.integer(tree.code)
        }
    }

    static func read(from reader: inout ByteReader) throws(CodingFault) -> [Self] {
        let count = try reader.integer("trees", in: 0...UInt16(CellPlan.mostTrees))
        var trees: [Self] = []
        for _ in 0..<count {
            let path = try reader.text("tree", most: CellPlan.longestPath)
            guard CellPlan.isTreePath(path) else { throw reader.fault("tree", "not a plain path") }
            let code = try reader.integer("access", in: UInt8(0)...4)
            trees.append(Self(path, code: code))
        }
        return trees
    }
}

/// What a new cell answers.
package enum CellAnswer: Equatable, Sendable {
    case ready(WallReport)
    case refused(CellRefusal)

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .ready(let report):
            writer.integer(UInt8(1))
            report.write(to: &writer)
        case .refused(let refusal):
            writer.integer(UInt8(2))
            refusal.write(to: &writer)
        }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(CodingFault) {
        var reader = ByteReader(bytes[...])
        let kind = try reader.integer("kind", in: UInt8(1)...2)
        self =
            kind == 1
            ? .ready(try WallReport(from: &reader)) : .refused(try CellRefusal(from: &reader))
        try reader.finish("answer")
    }
}
