import Audit
import JSON

/// `cloisterctl status`, `clients`, `cells`, `modules`: the daemon as it is now.
enum DaemonShow {
    static let status = Command(
        "status", "Say how the daemon is, and whether its policy and audit are in order"
    ) { (invocation) throws(CtlFault) in
        let answer = try DaemonClient(invocation).status()
        let (policy, audit) = (answer["policy"], answer["audit"])
        let faults = policy?.texts("faults") ?? []
        let files = policy?.texts("files") ?? []
        var lines = [
            "cloisterd \(answer.text("version")), pid \(answer.text("pid"))",
            "clients \(answer.text("clients")), cells \(answer.text("cells")), questions \(answer.text("approvals")), grants \(answer.text("grants"))",
            faults.isEmpty
                ? "policy: in force, from \(files.count) files"
                : policy?.text("generation") == "0"
                    ? "policy: wrong, so everything is denied" : "policy: wrong; the one before is in force",
        ]
        lines += faults.map { "  \($0)" }
        if audit?["is_on"]?.bool != true {
            lines.append("audit: off")
        } else if audit?["is_writable"]?.bool == true {
            lines.append("audit: \(audit?.text("written") ?? "") records written since the start")
        } else {
            lines.append("audit: CANNOT BE WRITTEN")
        }
        let lacking = answer.texts("may_lack")
        if !lacking.isEmpty { lines.append("cells may lack: \(lacking.joined(separator: ", "))") }
        if invocation.isJSON {
            try invocation.output.writeJSON(answer.bytes)
        } else {
            try invocation.output.write(lines.map { ShownText.plain($0) + "\n" }.joined())
        }
        // For scripts: a daemon that refuses everybody is not well.
        if !faults.isEmpty || audit?["is_writable"]?.bool == false { throw .answered }
    }

    static let all = Command.Option("--all", "those of other users, too; root sees them anyway")

    static let clients = Command("clients", "List the applications that are connected", options: [all]) {
        (invocation) throws(CtlFault) in
        try invocation.show(
            try DaemonClient(invocation).list(.clients, all: invocation.wantsAll), "clients",
            ["SESSION", "USER", "PROGRAM", "SAYS IT IS", "CALLS", "CELL", "POLICY"]
        ) { client in
            [
                client.text("session"), client.userText, client.programText, client.text("claim"),
                client.text("calls"), client["cell"]?.bool == true ? "yes" : "no",
                client.texts("blocks").joined(separator: ", "),
            ]
        }
    }

    static let cells = Command("cells", "List the cells that stand", options: [all]) {
        (invocation) throws(CtlFault) in
        try invocation.show(
            try DaemonClient(invocation).list(.cells, all: invocation.wantsAll), "cells",
            ["SESSION", "USER", "WORKSPACE", "TREES", "LACKS"]
        ) { cell in
            let trees = cell["trees"].map { trees in
                trees.elements.map { $0.text("path") + ($0["writable"]?.bool == true ? " (rw)" : "") }
            }
            return [
                cell.text("session"), cell.userText, cell.text("workspace"),
                (trees ?? []).joined(separator: ", "), cell.texts("missing_walls").joined(separator: ", "),
            ]
        }
    }

    static let modules = Command("modules", "List what provides tools") {
        (invocation) throws(CtlFault) in
        try invocation.show(
            try DaemonClient(invocation).modules(), "modules",
            ["MODULE", "VERSION", "STATE", "WHAT IT IS", "TOOLS"]
        ) { module in
            [
                module.text("name"), module.text("version"), module.text("state"), module.text("title"),
                module.texts("tools").joined(separator: ", "),
            ]
        }
    }

    static let reload = Command("reload", "Make the daemon read its policy again") {
        (invocation) throws(CtlFault) in try DaemonClient(invocation).reload()
    }
}
