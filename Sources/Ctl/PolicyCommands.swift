import Audit
import JSON
import Linux
import Policy
import PolicyFiles

/// `cloisterctl policy check`, `show`, `test`, `explain`: what policy files say, without a daemon.
enum PolicyCommands {
    static let check = Command(
        "policy check", operands: "FILE…", "Read policy files as the daemon would, and say what is wrong",
        details: "Without files, all of those that the daemon would read, with what they expect."
    ) { (invocation) throws(CtlFault) in
        let faults: [PolicyFault]
        if invocation.operands.isEmpty {
            faults = reading(invocation).faults
        } else {
            faults = invocation.operands.compactMap(fault(in:))
        }
        try report(faults, invocation)
    }

    static let test = Command(
        "policy test", "Run what policy files expect of each other, and say what does not hold"
    ) { (invocation) throws(CtlFault) in
        let found = reading(invocation)
        try report(found.faults, invocation)
        if !invocation.isJSON {
            try invocation.output.write("\(found.set?.expectations.count ?? 0) expectations hold\n")
        }
    }

    static let show = Command("policy show", "List the files and blocks of policy, and whom they are for") {
        (invocation) throws(CtlFault) in
        let found = reading(invocation)
        guard let set = found.set else { return try report(found.faults, invocation) }
        if invocation.isJSON {
            return try invocation.output.writeJSON(
                JSONWriter.bytes { json in
                    json.object { json in
                        json.array("files") { list in for file in found.files { list.string(file) } }
                        json.array("blocks") { list in
                            for block in set.clients {
                                list.object {
                                    $0.member("name", block.name)
                                    $0.member("place", "\(block.reference)")
                                    $0.member("rules", block.rules.count)
                                }
                            }
                        }
                    }
                })
        }
        for file in found.files { try invocation.output.write(ShownText.plain(file) + "\n") }
        var table = Table(["BLOCK", "RULES", "PLACE"])
        for block in set.clients { table.add([block.name, "\(block.rules.count)", "\(block.reference)"]) }
        if !table.isEmpty { try invocation.output.write(table.text(columns: invocation.output.columns)) }
    }

    // MARK: Pieces

    static func reading(_ invocation: Invocation) -> PolicyDirectories.Reading {
        directories(invocation).read(at: moment)
    }

    private static func directories(_ invocation: Invocation) -> PolicyDirectories {
        invocation.places.root.map { .standalone($0) } ?? .system
    }

    static var moment: Moment {
        Moment(seconds: SystemClock.secondsSince1970, utcOffset: SystemClock.utcOffsetSeconds)
    }

    private static func fault(in path: String) -> PolicyFault? {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File.read(path, limit: PolicyFile.mostBytes + 1)
        } catch {
            return PolicyFault(path, nil, "it cannot be read: \(error)")
        }
        do throws(PolicyFault) {
            _ = try PolicySet([PolicyFile.read(bytes, named: path)])
            return nil
        } catch {
            return error
        }
    }

    static func report(_ faults: [PolicyFault], _ invocation: Invocation) throws(CtlFault) {
        if invocation.isJSON {
            try invocation.output.writeJSON(
                JSONWriter.bytes { json in
                    json.object { json in
                        json.member("ok", faults.isEmpty)
                        json.array("faults") { list in for fault in faults { list.string("\(fault)") } }
                    }
                })
        } else {
            for fault in faults { try invocation.output.write(ShownText.plain("\(fault)") + "\n") }
        }
        if !faults.isEmpty { throw .answered }
    }
}
