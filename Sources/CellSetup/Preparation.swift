import Cells
import Linux

/// What a first process does for itself before it knows whose cell it will be, so that nobody waits for it: what is
/// the same for every cell. Each is its namespace's own, and is left alone where there is none of its own. What came of
/// it is heard when the walls are built.
package final class Preparation {
    typealias Outcome = Result<Void, SystemError>

    private var trees: Result<[FileView.DetachedTree], SystemError>
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
            return try FileView.treesOfEverybody()
        }
        loopback = prepare(.netns, in: .network) { () throws(SystemError) in try Process.raiseLoopback() }
        hostName = prepare(.utsns, in: .hostName) { () throws(SystemError) in
            try Process.setHostName("cell")
        }
        time = prepare(.timens, in: []) { () throws(SystemError) in try Process.hideUptimeFromChildren() }
    }

    /// Once: whoever places them closes them.
    func takeTrees() throws(SystemError) -> [FileView.DetachedTree] {
        defer { trees = .success([]) }
        return try trees.get()
    }
}
