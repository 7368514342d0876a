import Bus
import CommandLine

/// The daemon itself: `/org/cloister/Cloister1`.
struct ManagerObject: BusObject {
    let administration: Administration
    let mcp: MCPObject

    static let interface = BusInterface(
        DBusNames.manager,
        methods: [
            .init("Describe", gives: ["json": "s"]),
            .init("DescribeClients", takes: ["all": "b"], gives: ["json": "s"]),
            .init("DescribeCells", takes: ["all": "b"], gives: ["json": "s"]),
            .init("DescribeApprovals", takes: ["all": "b"], gives: ["json": "s"]),
            .init("DescribeGrants", takes: ["all": "b"], gives: ["json": "s"]),
            .init("DescribeModules", gives: ["json": "s"]),
            .init("RevokeGrant", takes: ["number": "t"]),
            .init("Reload"),
        ],
        properties: [
            .init("Version", "s"),
            .init("Clients", "u", .invalidates),
            .init("Cells", "u", .invalidates),
            .init("Approvals", "u", .invalidates),
            .init("Grants", "u", .invalidates),
            .init("Modules", "u", .invalidates),
            .init("MissingWallsAllowed", "as"),
            .init("PolicyGeneration", "t", .invalidates),
            .init("PolicyFiles", "as", .invalidates),
            .init("PolicyFaults", "as", .invalidates),
            .init("AuditWritable", "b", .invalidates),
        ])

    var interfaces: [BusInterface] { [Self.interface, MCPObject.interface] }

    /// It names nobody: numbers, and files that everybody may read.
    func admit(_ call: BusCall) {}

    func value(of property: String, in interface: String) -> BusValue {
        let policy = administration.policy
        return switch property {
        case "Version": .string(Release.version)
        case "Clients": .uint32(UInt32(administration.sessions().count))
        case "Cells": .uint32(UInt32(administration.sessions().count(where: \.hasCell)))
        case "Approvals": .uint32(UInt32(administration.consent.queue.waiting.count))
        case "Grants": .uint32(UInt32(administration.consent.grants.grants.count))
        case "Modules": .uint32(UInt32(administration.modules().count))
        case "MissingWallsAllowed": .strings(administration.mayLack.walls.map(\.rawValue))
        case "PolicyGeneration": .uint64(UInt64(policy.generation))
        case "PolicyFiles": .strings(policy.files)
        case "PolicyFaults": .strings(policy.faults.map { "\($0)" })
        case "AuditWritable": .bool(administration.auditor.isWritable)
        default: preconditionFailure("\(property) is offered and not there")
        }
    }

    func perform(
        _ method: String, of interface: String, for call: BusCall
    ) async throws(BusFault) -> BusAnswer {
        guard interface == DBusNames.manager else { return try await mcp.perform(method, for: call) }
        switch method {
        case "Describe": return try json(administration.status())
        case "DescribeClients": return try json(administration.clients(try sight(of: call)))
        case "DescribeCells": return try json(administration.cells(try sight(of: call)))
        case "DescribeApprovals": return try json(administration.approvals(try sight(of: call)))
        case "DescribeGrants": return try json(administration.grants(try sight(of: call)))
        case "DescribeModules": return try json(administration.moduleList())
        case "RevokeGrant": return try revoke(call)
        case "Reload":
            try call.require(.reload)
            administration.reload(by: call.uid)
            return { _ in }
        default: preconditionFailure("\(method) is offered and not there")
        }
    }

    /// Everybody sees what is their own.
    private func sight(of call: BusCall) throws(BusFault) -> Administration.Sight {
        guard try argument({ () throws(BusError) in try call.message.readBool() }) else {
            return .own(call.uid)
        }
        try call.require(.view)
        return .all
    }

    private func json(_ members: [UInt8]) throws(BusFault) -> BusAnswer {
        let text = try BusText.fitting(
            "{" + String(decoding: members, as: UTF8.self) + "}", otherwise: "the objects")
        return { (reply) throws(BusError) in try reply.append(text) }
    }

    private func revoke(_ call: BusCall) throws(BusFault) -> BusAnswer {
        let number = try argument { () throws(BusError) in try call.message.readUInt64() }
        let grant = administration.consent.grants.grants.first { $0.number == number }
        // Who may not see others' grants is not told which there are.
        let act: AdministrativeAct = grant?.holder.uid == call.uid ? .manageOwnGrants : .manageGrants
        try call.require(
            act, ["number": "\(number)", "holder": grant.map { "uid \($0.holder.uid)" } ?? "nobody"])
        try refusing { () throws(Administration.Refusal) in
            try administration.revoke(number, by: call.uid)
        }
        return { _ in }
    }
}
