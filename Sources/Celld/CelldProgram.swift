import CommandLine
import CellSetup
import Cells
import Linux
import Seccomp

/// cloister-celld from its first line to its last.
package enum CelldProgram {
    package static func run(_ arguments: [String]) -> Int32 {
        CelldOptions.run(arguments, complain: StandardError.write, serve)
    }

    private struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    private static func log(_ text: String) { StandardError.write("\(CelldOptions.program): \(text)\n") }

    private static func serve(_ options: CelldOptions) -> Int32 {
        do {
            // Before anything else opens a descriptor, which could get its number.
            var connection: OwnedFD?
            var listener: OwnedFD?
            if let number = options.connection {
                connection = try OwnedFD(inherited: number)
                try connection!.closeOnExec()
                // Whoever started us in this way ends with us, and we with them.
                try Process.dieWithParent()
            } else {
                let passed = ServiceManager.passedDescriptors(
                    environment: Process.environment, process: Int(Process.id))
                guard passed.count == 1 else {
                    throw Fault(
                        description: """
                            nothing to serve: no socket was passed by systemd. Start cloister-celld.socket, or \
                            run cloisterd --standalone DIR.
                            """)
                }
                listener = try OwnedFD(inherited: ServiceManager.firstDescriptor)
                try listener!.closeOnExec()
                guard UnixSocket.isListening(listener!, .packet) else {
                    throw Fault(
                        description: """
                            descriptor 3, which systemd passed, is no listening Unix socket of packets; see \
                            ListenSequentialPacket= of cloister-celld.socket
                            """)
                }
            }
            _ = Process.raiseFileLimit()
            let limits = Keeper.Limits(
                mostCells: options.mostCells, mostCellsOfUser: options.mostCellsOfUser,
                mostCommands: options.mostCommands, mostCommandsOfUser: options.mostCommandsOfUser,
                authorizationTime: .seconds(options.authorizationSeconds))
            let manager =
                options.connection == nil
                ? ServiceManager(environment: Process.environment, process: Int(Process.id)) : nil
            let keeper = try Keeper(
                try builder(options), limits, listener: listener, connection: connection, manager: manager,
                log: log)
            try keeper.serve()
            return ExitStatus.success
        } catch {
            log("\(error)")
            return ExitStatus.failure
        }
    }

    private static func builder(_ options: CelldOptions) throws -> CellBuilder {
        let settings = CellBuilder.Settings(
            userForRoot: try userForRoot(options), mayLack: options.mayLack,
            keepsSpare: options.keepsSpare && options.mostCells > 0,
            refusedUser: options.connection == nil ? Process.user("cloister")?.uid : nil)
        let program = try File.open(try options.cell ?? Process.companion("cloister-cell"))
        let filters = try CellFilters.compile()
        let workspaces = try Workspaces(below: options.state, isPrivileged: Process.userID == 0)
        // Last, for a celld that does not start leaves no group.
        var groups: CellGroups?
        var noGroupsBecause = ""
        do throws(SystemError) {
            groups = try CellGroups(standalone: options.connection == nil ? nil : groupName(options.state))
        } catch {
            noGroupsBecause = "\(error)"
        }
        return CellBuilder(
            settings, program: program, filters: filters, workspaces: workspaces, groups: groups,
            noGroupsBecause: noGroupsBecause)
    }

    private static func userForRoot(_ options: CelldOptions) throws -> NamespacedProcess.User {
        guard Process.userID == 0 else { return .current }
        if let user = Process.user(options.userForRoot), user.uid != 0 { return user }
        // A machine on which nothing was installed; everybody's cell for root is then nobody's.
        if options.connection != nil, let nobody = Process.user("nobody"), nobody.uid != 0 {
            log("there is no user \(options.userForRoot): clients that are root get cells of nobody")
            return nobody
        }
        throw Fault(
            description: """
                there is no unprivileged user \(options.userForRoot) for the cells of root; make one with \
                useradd --system \(options.userForRoot), or name another with --cell-user
                """)
    }

    /// The same for the same directory, so that a later celld finds what an earlier one left.
    private static func groupName(_ directory: String) -> String {
        let hash = directory.utf8.reduce(14_695_981_039_346_656_037 as UInt64) {
            ($0 ^ UInt64($1)) &* 1_099_511_628_211
        }
        return "cloister-\(String(hash, radix: 16))"
    }
}
