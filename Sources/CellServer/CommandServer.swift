// The loop around one command: its output to cloisterd, and its end as soon as anybody whom it is for is gone.
//
// One thread and one poll. While cloisterd does not take what it is sent, nothing more is read of the command, so the
// memory of this process is bounded.

import Cells
import Linux

final class CommandServer {
    /// What cloisterd calls it, whose only call on this socket it is.
    static let call: UInt32 = 1

    private let program: RunningProgram
    private let daemon: OwnedFD
    private let keeper: OwnedFD
    private let childEnds: SignalFD
    private var outgoing = OutgoingFrames()

    private struct Ended: Error {}

    /// `daemon` is the socket to cloisterd, `keeper` the one to celld.
    init(
        _ program: RunningProgram, daemon: consuming OwnedFD, keeper: consuming OwnedFD,
        childEnds: consuming SignalFD
    ) {
        self.program = program
        self.daemon = daemon
        self.keeper = keeper
        self.childEnds = childEnds
    }

    func serve() {
        do {
            while program.result == nil || !outgoing.isEmpty { try turn() }
        } catch {}
        // Whatever the reason was.
        program.kill()
    }

    private func turn() throws {
        var set = PollSet()
        set.add(daemon, outgoing.isEmpty ? [.read] : [.read, .write])
        set.add(keeper, .read)
        set.add(childEnds.fd, .read)
        program.poll(&set, reading: !outgoing.isBackedUp)
        try set.wait(milliseconds: SystemClock.patience(until: program.deadline))

        guard !set[0].contains(.read), !set[0].isHungUp, set[1].isEmpty else { throw Ended() }
        if let deadline = program.deadline, deadline <= SystemClock.monotonic {
            program.deadline = nil
            program.timedOut = true
            program.kill()
        }
        if !set[4].isEmpty { program.pass(.output, send) }
        if !set[5].isEmpty { program.pass(.errorOutput, send) }
        if !set[2].isEmpty { try reap() }
        _ = try outgoing.flush(to: daemon)
    }

    /// Its own end, and those of orphans that came to us.
    private func reap() throws(SystemError) {
        while try childEnds.next() != nil {}
        while let ended = Orphans.reap() {
            guard ended.pid == program.pid, program.result == nil else { continue }
            program.deadline = nil
            program.leaderEnded(ended, at: SystemClock.monotonic)
            program.putToRest(send)
            guard let end = program.result else { continue }
            send(CellFrame(.programResult, call: Self.call, ProgramResult.ended(end).encoded))
        }
    }

    private func send(_ frame: CellFrame) { outgoing.append(frame) }
}
