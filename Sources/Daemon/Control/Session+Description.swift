import Cells
import JSON
import Linux
import Policy

/// A session as administrators see it.
extension Session {
    nonisolated var hasCell: Bool { assumeIsolated { $0.place.assumeIsolated { $0.standing != nil } } }

    nonisolated func describe(to json: inout JSONWriter) {
        let (facts, blocks, calls) = assumeIsolated {
            ($0.policy.facts, $0.policy.client.blocks, $0.callsUnderWay)
        }
        json.object { json in
            json.member("session", client.session)
            json.member("uid", facts.uid)
            json.optionalMember("user", facts.user)
            json.member("pid", client.credentials.pid)
            json.optionalMember("executable", facts.executable)
            json.optionalMember("sha256", facts.digest)
            json.optionalMember("parent", facts.parent)
            json.optionalMember("unit", facts.unit)
            json.optionalMember("application", facts.application)
            json.optionalMember("claim", facts.bridgeClaim ?? facts.nameClaim)
            json.array("blocks") { list in for block in blocks { list.string(block) } }
            json.member("calls", calls)
            json.member("cell", hasCell)
        }
    }

    nonisolated func describeCell(to json: inout JSONWriter) {
        let standing = assumeIsolated { $0.place.assumeIsolated { $0.standing } }
        guard let standing else { return }
        let facts = assumeIsolated { $0.policy.facts }
        json.object { json in
            json.member("session", client.session)
            json.member("uid", facts.uid)
            json.optionalMember("user", facts.user)
            json.member("workspace", standing.plan.isEphemeral ? "ephemeral" : standing.plan.application)
            json.array("trees") { list in
                for tree in standing.plan.trees {
                    list.object {
                        $0.member("path", tree.path)
                        $0.member("writable", tree.isWritable)
                    }
                }
            }
            json.member("memory", standing.plan.limits.memoryMost)
            json.member("tasks", standing.plan.limits.tasks)
            json.array("missing_walls") { list in
                for gap in standing.report.gaps { list.string(gap.wall.rawValue) }
            }
        }
    }
}
