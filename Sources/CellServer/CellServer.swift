// The first process of a cell, once its walls stand: it works for one client until that one is gone.
//
//   cloisterd ══ frames ══▶ files    jobs, a bounded step each turn
//                           programs  started by the starter, children of this process
//
// One thread and one poll. It ends, and with it every process of the cell, when cloisterd's end of its
// socket is closed, when celld is gone, or when what cloisterd says makes no sense.
//
// Invariants: while cloisterd does not take what it is sent, nothing more is read of any program, and no job goes
// on. So the memory of this process is bounded by its limits and not by its client's patience.

import CellSetup
import CellWork
import Cells
import Linux

package final class CellServer {
    private let daemon: OwnedFD
    private let keeper: OwnedFD
    private let childEnds: SignalFD
    private var programs: Programs?
    private var reader = CellFrameReader()
    private var outgoing = OutgoingFrames()
    /// What is left of calls that have ended is gone, too.
    private var isTidy = true
    private var files: FileWork
    private var jobs: [(call: UInt32, job: any FileJob)] = []

    /// Free memory that stays with a cell that is at work, until it has done nothing large for a second.
    static let keptMemory = 4 << 20
    private static let large = 64 << 10
    private var givesBackAt: Duration?
    static let mostJobs = 64

    private struct Ended: Error {}

    /// `daemon` is the socket to cloisterd, `keeper` the one to celld.
    package init(
        _ starter: consuming Starter, daemon: consuming OwnedFD, keeper: consuming OwnedFD,
        group: ControlGroup?, files: FileWork
    ) throws(SystemError) {
        self.daemon = daemon
        self.keeper = keeper
        self.files = files
        childEnds = try SignalFD([Signals.childEnded])
        programs = Programs(starter, group: group) { [unowned self] in send($0) }
    }

    package func serve() {
        do {
            while let programs, programs.starterIsAlive {
                isTidy = programs.tidy()
                try turn(programs)
            }
            // Who waited for a program is told why there will be none.
            try flush()
        } catch {}
    }

    private func turn(_ programs: Programs) throws {
        let isBackedUp = outgoing.isBackedUp
        var set = PollSet()
        set.add(daemon, isBackedUp ? [.write] : outgoing.isEmpty ? [.read] : [.read, .write])
        set.add(keeper, .read)
        set.add(childEnds.fd, .read)
        programs.poll(&set, reading: !isBackedUp)
        try set.wait(milliseconds: patience(programs, isBackedUp))

        if let due = givesBackAt, SystemClock.monotonic >= due {
            Allocator.giveBack()
            givesBackAt = nil
        }
        guard set[1].isEmpty else { throw Ended() }
        if set[0].contains(.write) || set[0].isHungUp { try flush() }
        if set[0].contains(.read) || set[0].isHungUp { try receive(programs) }
        programs.handle(set, from: 3)
        if !set[2].isEmpty {
            while try childEnds.next() != nil {}
            programs.reapAll()
        }
        if !isBackedUp { stepJobs() }
        try flush()
    }

    private func patience(_ programs: Programs, _ isBackedUp: Bool) -> Int32 {
        if !jobs.isEmpty, !isBackedUp { return 0 }
        var moments = [programs.nextDeadline(), givesBackAt].compactMap(\.self)
        if !isTidy { moments.append(SystemClock.monotonic + .milliseconds(10)) }
        return SystemClock.patience(until: moments.min())
    }

    // MARK: In

    private func receive(_ programs: Programs) throws {
        guard let bytes = try daemon.readSome(atMost: 64 << 10) else { return }
        guard !bytes.isEmpty else { throw Ended() }
        reader.append(bytes.span)
        while let frame = try reader.next() { try handle(frame, programs) }
    }

    private func handle(_ frame: CellFrame, _ programs: Programs) throws {
        if frame.kind == .fileRules {
            // Whoever cannot understand a rule cannot obey it, and serves nobody.
            return files.obey(try FileRules(decoding: frame.payload[...]))
        }
        do throws(CellFailure) {
            switch frame.kind {
            case .fileRequest:
                let request = try Self.decode { () throws(CodingFault) in
                    try FileRequest(decoding: frame.payload[...])
                }
                guard jobs.count < Self.mostJobs else {
                    throw CellFailure(.tooLarge, "\(Self.mostJobs) file operations are under way")
                }
                jobs.append((frame.call, try files.job(for: request)))
            case .programRequest:
                let request = try Self.decode { () throws(CodingFault) in
                    try ProgramRequest(decoding: frame.payload[...])
                }
                try programs.perform(request, call: frame.call)
            case .cancel:
                programs.cancel(frame.call)
                if let place = jobs.firstIndex(where: { $0.call == frame.call }) {
                    jobs.remove(at: place)
                    throw CellFailure(.cancelled, "cancelled")
                }
            case .fileRules, .fileResult, .programResult, .failure, .output, .errorOutput:
                throw CellFailure(.invalid, "the cell is not asked by answers")
            }
        } catch {
            send(CellFrame(.failure, call: frame.call, error.encoded))
        }
    }

    private static func decode<Request>(
        _ decoded: () throws(CodingFault) -> Request
    ) throws(CellFailure) -> Request {
        do throws(CodingFault) {
            return try decoded()
        } catch {
            throw CellFailure(.invalid, "the cell does not understand this request: \(error)")
        }
    }

    // MARK: Work

    private func stepJobs() {
        var left: [(call: UInt32, job: any FileJob)] = []
        for (call, job) in jobs {
            do throws(CellFailure) {
                if let result = try job.step() {
                    outgoing.append(.fileResult, call: call) { result.write(to: &$0) }
                } else {
                    left.append((call, job))
                }
            } catch {
                send(CellFrame(.failure, call: call, error.encoded))
            }
        }
        jobs = left
    }

    // MARK: Out

    private func send(_ frame: CellFrame) { outgoing.append(frame) }

    private func flush() throws {
        let gone = try outgoing.flush(to: daemon)
        if gone > Self.large { givesBackAt = SystemClock.monotonic + .seconds(1) }
    }
}
