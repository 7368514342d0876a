import Cells
import JSON
import Linux
import Policy

/// A client as administrators see it.
struct ClientDescription: Sendable {
    let session: UInt64
    let pid: Int32
    let facts: ClientFacts
    /// The blocks of policy that fit it.
    let blocks: [String]
    let calls: Int
    let hasCell: Bool

    var claim: String? { facts.bridgeClaim ?? facts.nameClaim }

    func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("session", session)
            json.member("uid", facts.uid)
            json.optionalMember("user", facts.user)
            json.member("pid", pid)
            json.member("transport", facts.transport.rawValue)
            json.optionalMember("executable", facts.executable)
            json.optionalMember("sha256", facts.digest)
            json.optionalMember("parent", facts.parent)
            json.optionalMember("unit", facts.unit)
            json.optionalMember("application", facts.application)
            json.optionalMember("claim", claim)
            json.array("blocks") { list in for block in blocks { list.string(block) } }
            json.member("calls", calls)
            json.member("cell", hasCell)
        }
    }
}

/// A cell that stands, as administrators see it.
struct CellDescription: Sendable {
    let session: UInt64
    let facts: ClientFacts
    let plan: CellPlan
    let missing: [String]
    /// Which of the session's cells it is.
    let incarnation: Int

    var workspace: String { plan.isEphemeral ? "ephemeral" : plan.application }

    func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("session", session)
            json.member("uid", facts.uid)
            json.optionalMember("user", facts.user)
            json.member("workspace", workspace)
            json.array("trees") { list in
                for tree in plan.trees {
                    list.object {
                        $0.member("path", tree.path)
                        $0.member("writable", tree.isWritable)
                    }
                }
            }
            json.member("memory", plan.limits.memoryMost)
            json.member("tasks", plan.limits.tasks)
            json.array("missing_walls") { list in for wall in missing { list.string(wall) } }
        }
    }
}

extension Session {
    nonisolated var number: UInt64 { client.session }
    nonisolated var uid: UInt32 { client.credentials.uid }
    nonisolated var hasCell: Bool { assumeIsolated { $0.place.assumeIsolated { $0.standing != nil } } }

    nonisolated var description: ClientDescription {
        let (facts, blocks, calls) = assumeIsolated {
            ($0.policy.facts, $0.policy.client.blocks, $0.callsUnderWay)
        }
        return ClientDescription(
            session: client.session, pid: client.credentials.pid, facts: facts, blocks: blocks, calls: calls,
            hasCell: hasCell)
    }

    nonisolated var cellDescription: CellDescription? {
        let standing = assumeIsolated { $0.place.assumeIsolated { $0.standing } }
        guard let standing else { return nil }
        return CellDescription(
            session: client.session, facts: assumeIsolated { $0.policy.facts }, plan: standing.plan,
            missing: standing.report.gaps.map(\.wall.rawValue), incarnation: standing.incarnation)
    }
}
