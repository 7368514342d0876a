import Cells

// What a program writes, on its way out; and the last of it.
extension RunningProgram {
    /// What is there now of one stream, at most a piece. False when there was nothing.
    @discardableResult
    func pass(_ kind: CellFrame.Kind, _ send: (CellFrame) -> Void) -> Bool {
        let stream = kind == .output ? output : error
        guard let bytes = read(stream) else { return false }
        switch role {
        case .call(let call):
            let sent = stream.keeper.take(bytes)
            if !sent.isEmpty { send(CellFrame(kind, call: call, Array(sent))) }
        case .staying:
            stream.ring.append(bytes)
        }
        return true
    }

    /// A pipe holds at most so much when its last writer ends; more comes from somebody who goes on writing.
    private static let mostAfterEnd = 1 << 20

    /// Once its first process has ended.
    func putToRest(_ send: (CellFrame) -> Void) {
        // What it left running first, so that nobody adds to what is in the pipes.
        if !group.isEmpty { group.kill() }
        for (stream, kind) in [(output, CellFrame.Kind.output), (error, .errorOutput)] {
            let before = stream.keeper.total + stream.ring.total
            while stream.keeper.total + stream.ring.total - before < Self.mostAfterEnd, pass(kind, send) {}
        }
        closeOutput()
        settle()
    }
}
