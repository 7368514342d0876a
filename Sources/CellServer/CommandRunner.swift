// One command on the host, and the process that starts it and passes its output on:
//
//   born by celld ──order──▶ the command is started as its user ──▶ we become that user, too, without any right
//                                                                        │
//   everything of the command is ended ◀──its end, its time, cloisterd or celld gone──┘──▶ its end is reported
//
// What runs is what stands in celld's order, and nothing that anybody says later: cloisterd has nothing to say to this
// process, and its first byte is the end.
//
// This process outlives celld for the moment that it takes to end what it has started. Should somebody end it first,
// its command ends with it, and celld ends the rest.

import CellSetup
import Cells
import Linux

package enum CommandRunner {
    /// Whether celld started this process for a command, and not for a cell.
    package static func isMeant(by arguments: [String]) -> Bool {
        arguments.dropFirst().first == HostOrder.word
    }

    package static func run() -> Int32 { Birth.run(endsWithCelld: false, serve) }

    private static func serve(
        _ message: UnixSocket.ReceivedMessage, _ control: borrowing OwnedFD
    ) throws(CellRefusal) {
        let order: HostOrder
        do throws(CodingFault) {
            order = try HostOrder(decoding: message.bytes)
        } catch {
            throw Birth.fault("its order makes no sense: \(error)")
        }
        guard let daemon = message.takeDescriptor() else {
            throw Birth.fault("no socket came with its order")
        }
        do throws(SystemError) {
            let null = try File.open("/dev/null", .readWrite)
            var input = try null.duplicate()
            if order.hasInput, let given = message.takeDescriptor() { input = given }
            var group: ControlGroup?
            if order.hasGroup, let directory = message.takeDescriptor() { group = ControlGroup(directory) }
            for number in 0...2 { try Process.replaceStandard(number, with: null) }
            if group == nil { try Process.adoptOrphans() }
            let childEnds = try SignalFD([Signals.childEnded])
            let program = try start(order, input, group)
            do throws(SystemError) {
                try loseRights(order)
                _ = try UnixSocket.send(control, CellAnswer.ready(order.report).encoded.span)
                let server = CommandServer(
                    program, daemon: daemon, keeper: try control.duplicate(), childEnds: childEnds)
                server.serve()
            } catch {
                program.kill()
                throw error
            }
        } catch {
            throw refusal(error, order)
        }
    }

    private static func start(
        _ order: HostOrder, _ input: borrowing OwnedFD, _ group: ControlGroup?
    ) throws(SystemError) -> RunningProgram {
        let output = try Pipe()
        let error = try Pipe()
        try output.reading.setBlocking(false)
        try error.reading.setBlocking(false)
        // Whoever may be ended sooner when memory is short: celld may well be the last, and this is not celld.
        try? File.write("0", to: "/proc/self/oom_score_adj")
        let callGroup = try CallGroup(whole: group)
        var place = DescriptorTable()
        if let group { try place.add(group.directory) }
        let limits = order.limits
        let process = HostProcess(
            Starter.Program(order.arguments, environment: order.environment),
            in: HostProcess.Directory(order.directory, isUsual: order.isDirectoryUsual),
            as: order.changesUser
                ? HostProcess.User(uid: order.uid, gid: order.gid, groups: order.groups) : nil,
            keepsRights: order.isRoot,
            limits: [
                .openFiles: limits.openFiles, .fileSize: limits.fileBytes,
                .lockedMemory: limits.lockedBytes, .coreSize: 0,
            ])
        let now = SystemClock.monotonic
        let pid = try process.start(
            input: input, output: output.writing, error: error.writing, group: place)
        let keeper = OutputKeeper(most: Int(order.mostOutput), name: nil)
        let program = RunningProgram(
            .call(CommandServer.call), arguments: order.arguments, group: callGroup, at: now, input: nil,
            output: RunningProgram.Stream(output.readingAlone(), keeper),
            error: RunningProgram.Stream(error.readingAlone(), keeper))
        program.isRunning(as: pid)
        if order.timeoutMilliseconds > 0 {
            program.deadline = now + .milliseconds(Int(order.timeoutMilliseconds))
        }
        return program
    }

    /// There is one command, and it runs: what is left to do needs no right, not even root's name for most of it.
    private static func loseRights(_ order: HostOrder) throws(SystemError) {
        if order.changesUser {
            if !order.isRoot {
                let user = NamespacedProcess.User(uid: order.uid, gid: order.gid)
                try Process.become(user, droppingGroups: true)
                guard Process.isOnly(user) else { throw SystemError("setresuid", .invalid, "\(order.uid)") }
                try Capabilities.raisePermitted()
            }
            try Capabilities.dropAll()
        }
        try Process.setNoNewPrivileges()
        try Process.setDumpable(false)
    }

    // MARK: Refusals

    private static func refusal(_ error: SystemError, _ order: HostOrder) -> CellRefusal {
        let name = order.arguments[0]
        switch (error.call, error.errno) {
        case ("execve", .notFound):
            return CellRefusal(
                "there is no program \(name), or no interpreter that it names", remedy: "name another program"
            )
        case ("execve", .permissionDenied):
            return CellRefusal(
                "\(name) is no file that this user may execute", remedy: "name another program")
        case ("execve", .listTooLong):
            return CellRefusal(
                "an argument of \(name) is longer than the kernel takes (131071 bytes)",
                remedy: "put what is long into stdin")
        case ("chdir", _):
            return CellRefusal(
                "\(error.object) cannot be entered by this user (\(error.errno))",
                remedy: "name another working directory")
        default:
            return CellRefusal(
                "\(name) could not be started: \(error)", remedy: "look at the log of cloister-celld")
        }
    }
}
