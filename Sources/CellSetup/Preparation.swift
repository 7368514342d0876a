import Cells
import Linux

/// What a first process does for itself before it knows whose cell it will be, so that nobody waits for it: what is
/// the same for every cell. Each is its namespace's own, and is left alone where there is none of its own. What came of
/// it is heard when the walls are built.
package struct Preparation: Sendable {
    typealias Outcome = Result<Void, SystemError>

    let mounts: Outcome
    let loopback: Outcome
    let hostName: Outcome
    let time: Outcome

    package init(in namespaces: Namespaces) {
        func prepare(
            _ wall: Wall, in own: Namespaces, _ body: () throws(SystemError) -> Void
        ) -> Outcome {
            guard namespaces.isSuperset(of: own) else {
                return .failure(SystemError("prepare", .notPermitted, "it would be the host's"))
            }
            return Outcome { () throws(SystemError) in
                try Injection.check(wall: wall.rawValue)
                try body()
            }
        }
        mounts = prepare(.fileview, in: .mount) { () throws(SystemError) in try Mount.makeEverythingPrivate()
        }
        loopback = prepare(.netns, in: .network) { () throws(SystemError) in try Process.raiseLoopback() }
        hostName = prepare(.utsns, in: .hostName) { () throws(SystemError) in try Process.setHostName("cell")
        }
        time = prepare(.timens, in: []) { () throws(SystemError) in try Process.hideUptimeFromChildren() }
    }
}
