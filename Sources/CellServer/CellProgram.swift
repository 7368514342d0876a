import CellSetup
import CellWork
import Cells
import Linux

/// cloister-cell from its first line to its last: prepares its namespaces, waits for its order, becomes its user, puts
/// up its walls, says so, and serves. Until the order comes it is nobody, and touches nothing of anybody.
///
///     cloister-cell NAMESPACES    those of its own, as the flags of clone(2)
package enum CellProgram {
    /// Where celld put the socket.
    private static let control = 3

    package static func run() -> Int32 {
        do {
            let control = try OwnedFD(inherited: control)
            do throws(CellRefusal) {
                let namespaces = Namespaces(
                    rawValue: CommandLine.arguments.dropFirst().first.flatMap { UInt64($0) } ?? 0)
                let preparation = Preparation(in: namespaces)
                guard let message = try receiveOrder(control) else { return 1 }
                try serve(message, control, preparation)
            } catch {
                _ = try UnixSocket.send(control, CellAnswer.refused(error).encoded.span)
                return 1
            }
            return 0
        } catch {
            StandardError.write("cloister-cell: \(error)\n")
            return 1
        }
    }

    /// `nil` when celld is gone.
    private static func receiveOrder(
        _ control: borrowing OwnedFD
    ) throws(CellRefusal) -> UnixSocket.ReceivedMessage? {
        do throws(SystemError) {
            // celld's end would come too late if it had ended before this; then there is no order to read.
            try Process.dieWithParent()
            Allocator.keep(CellServer.keptMemory)
            Signals.ignoreBrokenPipes()
            Signals.ignoreFileLimit()
            try control.setBlocking(true)
            let message = try UnixSocket.receive(control, atMost: longestCelldMessage, waiting: true)
            try control.setBlocking(false)
            return message?.bytes.isEmpty == false ? message : nil
        } catch {
            throw fault("\(error)")
        }
    }

    private static func serve(
        _ message: UnixSocket.ReceivedMessage, _ control: borrowing OwnedFD, _ preparation: Preparation
    ) throws(CellRefusal) {
        let order: CellOrder
        do throws(CodingFault) {
            order = try CellOrder(decoding: message.bytes)
        } catch {
            throw fault("its order makes no sense: \(error)")
        }
        guard let daemon = message.takeDescriptor() else { throw fault("no socket came with its order") }
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
            throw fault("\(error)")
        }
        let setup = try CellSetup.perform(
            order, after: preparation, workspace: workspace, group: group, keeping: kept)
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
            throw fault("\(error)")
        }
    }

    private static func fault(_ reason: String) -> CellRefusal {
        CellRefusal(reason, remedy: "this is a fault of Cloister; look at the log of cloister-celld")
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
