import CellSetup
import CellWork
import Cells
import Linux

/// cloister-cell from its first line to its last: prepares its namespaces, hears whose cell it will be, prepares more,
/// waits for its order, becomes that user, puts up its walls, says so, and serves. Until the order comes it is nobody,
/// and touches nothing of anybody.
///
///     cloister-cell NAMESPACES    those of its own, as the flags of clone(2)
package enum CellProgram {
    package static func run() -> Int32 {
        let namespaces = Namespaces(
            rawValue: CommandLine.arguments.dropFirst().first.flatMap { UInt64($0) } ?? 0)
        let preparation = Preparation(in: namespaces)
        return Birth.run(endsWithCelld: true) { (message, control) throws(CellRefusal) in
            let owner = try understand { () throws(CodingFault) in try CellOwner(decoding: message.bytes) }
            preparation.makeRoot(of: owner)
            guard let message = try Birth.next(control) else { return }
            try serve(message, owner, control, preparation)
        }
    }

    private static func understand<Message>(
        _ decoded: () throws(CodingFault) -> Message
    ) throws(CellRefusal) -> Message {
        do throws(CodingFault) {
            return try decoded()
        } catch {
            throw Birth.fault("its order makes no sense: \(error)")
        }
    }

    private static func serve(
        _ message: UnixSocket.ReceivedMessage, _ owner: CellOwner, _ control: borrowing OwnedFD,
        _ preparation: Preparation
    ) throws(CellRefusal) {
        let order = try understand { () throws(CodingFault) in try CellOrder(decoding: message.bytes) }
        guard let daemon = message.takeDescriptor() else {
            throw Birth.fault("no socket came with its order")
        }
        var workspace = DescriptorTable()
        var group: ControlGroup?
        var kept = [control.number, daemon.number]
        do throws(SystemError) {
            if order.hasWorkspaceMount, let mount = message.takeDescriptor() { try workspace.add(mount) }
            if order.hasGroup, let directory = message.takeDescriptor() {
                kept.append(directory.number)
                group = ControlGroup(directory)
            }
        } catch {
            throw Birth.fault("\(error)")
        }
        let setup = try CellSetup.perform(
            order, of: owner, after: preparation, workspace: workspace, group: group, keeping: kept)
        // Its place in the view holds it from here on.
        workspace = DescriptorTable()
        let report = setup.report
        do throws(SystemError) {
            // What comes meanwhile waits in its socket. Should the rest fail, the cell ends, and all know.
            _ = try UnixSocket.send(control, CellAnswer.ready(report).encoded.span)
            let server = try CellServer(
                setup.takeStarter(), daemon: daemon, keeper: try control.duplicate(), group: group,
                files: FileWork(places: try places(order)))
            server.serve()
        } catch {
            throw Birth.fault("\(error)")
        }
    }

    private static func places(_ order: CellOrder) throws(SystemError) -> [Place] {
        var places = [
            try Place(opening: FileView.workspace, isWritable: true),
            try Place(opening: "/tmp", isWritable: true),
            try Place(opening: "/usr", isWritable: false), try Place(opening: "/etc", isWritable: false),
        ]
        for tree in order.trees where File.kind(of: tree.path) == .directory {
            places.append(try Place(opening: tree.path, isWritable: tree.isWritable))
        }
        return places
    }
}
