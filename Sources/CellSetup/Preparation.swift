import Cells
import Linux

/// What a first process does for itself before it has an order, so that nobody waits for it: what is the same for every
/// cell, and then what is the same for every cell of its user. Each is its namespace's own, and is left alone where there
/// is none of its own. What came of it is heard when the walls are built.
package final class Preparation {
    typealias Outcome = Result<Void, SystemError>

    private var trees: Result<[DetachedTree], SystemError>
    private var root: Result<NewRoot, SystemError>?
    let loopback: Outcome
    let hostName: Outcome
    let time: Outcome

    package init(in namespaces: Namespaces) {
        func prepare<Value>(
            _ wall: Wall, in own: Namespaces, _ body: () throws(SystemError) -> Value
        ) -> Result<Value, SystemError> {
            guard namespaces.isSuperset(of: own) else {
                return .failure(SystemError("prepare", .notPermitted, "it would be the host's"))
            }
            return Result { () throws(SystemError) in
                try Injection.check(wall: wall.rawValue)
                return try body()
            }
        }
        trees = prepare(.fileview, in: .mount) { () throws(SystemError) in
            try Mount.makeEverythingPrivate()
            return try NewRoot.treesOfEverybody()
        }
        loopback = prepare(.netns, in: .network) { () throws(SystemError) in try Process.raiseLoopback() }
        hostName = prepare(.utsns, in: .hostName) { () throws(SystemError) in
            try Process.setHostName("cell")
        }
        time = prepare(.timens, in: []) { () throws(SystemError) in try Process.hideUptimeFromChildren() }
    }

    /// Files are made with the user's number, and the process stays nobody until it has its order: while it waits, that
    /// user's other processes have no hand on it.
    package func makeRoot(of owner: CellOwner) {
        root = Result { () throws(SystemError) in
            let trees = try trees.get()
            try Process.makeFiles(as: NamespacedProcess.User(uid: owner.uid, gid: owner.gid))
            return try NewRoot(trees, of: owner)
        }
        trees = .success([])
    }

    /// Once: whoever goes there closes it.
    func takeRoot() throws(SystemError) -> NewRoot {
        guard let made = root.take() else { throw SystemError("prepare", .invalid, "there is no new root") }
        return try made.get()
    }
}
