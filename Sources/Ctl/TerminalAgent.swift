import Linux

/// polkit's agent for a terminal, as systemctl has it: whoever sits there can prove who they are where no desktop asks
/// them. It ends with us, and steps back for an agent that the session has.
final class TerminalAgent {
    private static let program = "/usr/bin/pkttyagent"
    private var pidfd: OwnedFD?

    /// Returns when it listens, or when there is none to be had: then polkit says that nobody could be asked.
    init() {
        guard Process.userID != 0, StandardInput.isTerminal else { return }
        let command = [Self.program, "--notify-fd", "3", "--fallback", "--process", "\(Process.id)"]
        do throws(SystemError) {
            let pipe = try Pipe()
            pidfd = try Spawn.start(command, passing: pipe.writing, as: 3)
            // Its end says that the agent has registered, or has ended.
            _ = try pipe.readingAlone().readSome(atMost: 1)
        } catch {
            pidfd = nil
        }
    }

    deinit {
        guard pidfd != nil else { return }
        try? ProcessFD.kill(pidfd!, Signals.terminate)
    }
}
