// polkit's word on a command as root, before it is started:
//
//   asked ──pkcheck is started──▶ waiting ──it ended with 0──▶ allowed
//                                    └──with anything else, or not in time──▶ refused, with a sentence
//
// celld speaks to no bus: pkcheck does, as a plain child, and its exit status is all that is heard of it. The client is
// named by number, start time and user, so that polkit cannot take another process for it; whoever is asked sees the
// program and its whole command line, or there is no asking.

import Cells
import Linux

final class Authorization {
    static let program = "/usr/bin/pkcheck"
    static let action = "org.cloister.Cloister1.code-execution-sudo"
    /// What a person can take in, and polkit's agents show.
    static let longestLine = 4 << 10

    let wanted: CellBuilder.Wanted
    /// When it is too late for an answer.
    let deadline: Duration
    private let pkcheck: NamespacedProcess

    /// Asks. The answer is there when `process` is readable.
    init(of wanted: CellBuilder.Wanted, within time: Duration) throws(CellRefusal) {
        self.wanted = wanted
        deadline = SystemClock.monotonic + time
        let arguments = try Self.arguments(wanted)
        do throws(SystemError) {
            pkcheck = try NamespacedProcess.start(
                try File.open(Self.program), arguments,
                environment: ["PATH=\(HostPrograms.path)", "LANG=C.UTF-8"], in: [],
                descriptors: DescriptorTable(), endsWithParent: true)
        } catch  where error.errno == .notFound {
            throw CellRefusal(
                "polkit decides about commands as root, and \(Self.program) is not there",
                remedy: "install polkit (Debian: polkitd)")
        } catch {
            throw CellRefusal("polkit could not be asked: \(error)", remedy: Self.remedy)
        }
    }

    private static func arguments(_ wanted: CellBuilder.Wanted) throws(CellRefusal) -> [String] {
        let command = wanted.command
        guard wanted.peer.pidfd != nil,
            let ticks = ProcessFacts.startTime(of: wanted.peer.pidfd!, wanted.peer.pid)
        else { throw CellBuilder.isGone }
        let line = ShellWords.quoted(command.arguments)
        guard line.utf8.count <= longestLine else {
            throw CellRefusal(
                "the command line has \(line.utf8.count) bytes, and nobody is asked about more than \(longestLine)",
                remedy: "put what is long into stdin or a file")
        }
        var details = [("program", ShellWords.quoted([command.arguments[0]])), ("command_line", line)]
        if !command.directory.isEmpty {
            details.append(("directory", ShellWords.quoted([command.directory])))
        }
        details.append(("input", command.hasInput ? "given" : "none"))
        return [
            program, "--action-id", action, "--process", "\(wanted.peer.pid),\(ticks),\(wanted.peer.uid)",
            "--allow-user-interaction",
        ] + details.flatMap { ["--detail", $0.0, $0.1] }
    }

    func watch(in set: inout PollSet) {
        set.add(pkcheck.pidfd, .read)
        if wanted.peer.pidfd != nil { set.add(wanted.peer.pidfd!, .read) } else { set.addNothing() }
    }

    static let watchPlaces = 2

    /// `nil` while it is not known.
    func answer() -> Result<Void, CellRefusal>? {
        guard let status = try? ProcessFD.reap(pkcheck.pidfd) else { return nil }
        return status == .exited(0) ? .success(()) : .failure(Self.refusal(status))
    }

    /// Whoever is being asked is told by their agent that it is not wanted any more.
    func giveUp() { pkcheck.end() }

    // MARK: Refusals

    private static let remedy = "look at the log of cloister-celld, and at polkit's"

    static let late = CellRefusal(
        "polkit asked somebody to allow this command as root, and nobody answered in time",
        remedy: "try again")
    static let withdrawn = CellRefusal("the command is not wanted any more", remedy: "ask again")

    private static func refusal(_ status: ProcessFD.Status) -> CellRefusal {
        switch status {
        case .exited(1):
            CellRefusal(
                "polkit does not allow this command as root",
                remedy: "an administrator can change polkit's rules for \(action)")
        case .exited(2):
            CellRefusal(
                "polkit wants somebody to prove who they are, and there is nobody to ask: the client's session has no authentication agent",
                remedy: "start the application from a desktop session, or change polkit's rules for \(action)"
            )
        case .exited(3):
            CellRefusal(
                "somebody was asked to allow this command as root, and dismissed it", remedy: "ask them")
        case .exited, .signalled:
            CellRefusal(
                "polkit could not be asked (pkcheck: \(status))",
                remedy: "see that dbus and polkit run, and look at the log of cloister-celld")
        }
    }
}
