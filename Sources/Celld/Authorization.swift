// polkit's word on a command as root, before it is started:
//
//   asked ──cloister-authorize is started──▶ waiting ──its exit status says so──▶ allowed
//                                               └──it says anything else, or not in time──▶ refused, with a sentence
//
// celld speaks to no bus: cloister-authorize does, a child without a right, and its exit status is all that is heard of
// it. The client is named by the descriptor that came with its socket, so that polkit cannot take another process for
// it, or, to an older polkit, by number, start time and user; whoever is asked sees the program and its whole command
// line, or there is no asking.

import Cells
import Linux

final class Authorization {
    static let program = "cloister-authorize"
    static let action = "org.cloister.Cloister1.code-execution-sudo"
    /// What a person can take in, and polkit's agents show.
    static let longestLine = 4 << 10

    let wanted: CellBuilder.Wanted
    /// When it is too late for an answer.
    let deadline: Duration
    private let child: BusChild

    /// Asks. There may be an answer when what is watched is readable.
    init(of wanted: CellBuilder.Wanted, within time: Duration) throws(CellRefusal) {
        self.wanted = wanted
        deadline = SystemClock.monotonic + time
        let arguments = try Self.arguments(wanted)
        do throws(SystemError) {
            child = try BusChild(Self.program, arguments, passing: wanted.peer.pidfd)
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
        return [
            "\(wanted.peer.pid)", "\(ticks)", "\(wanted.peer.uid)", action,
            "program", ShellWords.quoted([command.arguments[0]]), "command_line", line,
            "input", command.hasInput ? "given" : "none",
        ]
    }

    func watch(in set: inout PollSet) {
        child.watch(in: &set)
        if wanted.peer.pidfd != nil { set.add(wanted.peer.pidfd!, .read) } else { set.addNothing() }
    }

    static let watchPlaces = 2

    /// `nil` while it is not known.
    func answer() -> Result<Void, CellRefusal>? {
        guard let status = child.status() else { return nil }
        if case .exited(let number) = status, let answer = PolkitAnswer(rawValue: number) {
            return Self.result(answer)
        }
        return .failure(
            CellRefusal(
                "polkit could not be asked (\(Self.program): \(status))",
                remedy: "see that dbus and polkit run, and look at the log of cloister-celld"))
    }

    /// Whoever is being asked is told by their agent that it is not wanted any more.
    func giveUp() { child.end() }

    // MARK: Refusals

    private static let remedy = "look at the log of cloister-celld, and at polkit's"

    static let late = CellRefusal(
        "polkit asked somebody to allow this command as root, and nobody answered in time",
        remedy: "try again")
    static let withdrawn = CellRefusal("the command is not wanted any more", remedy: "ask again")

    private static func result(_ answer: PolkitAnswer) -> Result<Void, CellRefusal> {
        switch answer {
        case .allowed: .success(())
        case .denied:
            .failure(
                CellRefusal(
                    "polkit does not allow this command as root",
                    remedy: "an administrator can change polkit's rules for \(action)"))
        case .nobodyToAsk:
            .failure(
                CellRefusal(
                    "polkit wants somebody to prove who they are, and there is nobody to ask: the client's session has no authentication agent",
                    remedy:
                        "start the application from a desktop session, or change polkit's rules for \(action)"
                ))
        case .dismissed:
            .failure(
                CellRefusal(
                    "somebody was asked to allow this command as root, and dismissed it",
                    remedy: "ask them"))
        case .clientIsGone: .failure(CellBuilder.isGone)
        }
    }
}
