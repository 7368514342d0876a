// The programs of a cell: those of calls, and those that stay between calls.
//
// Every program, and every orphan that one leaves, is a child of this process, which is the first of its
// namespace. So the end of each is seen here, and nobody stays a zombie.
//
// The starter's answers are read when there is another reason to be awake: to be woken only to hear that a program
// runs would take the CPU from it. There is such a reason for each of them: the program ends, or its pipes are
// closed because it could not be started. Only who was promised a process's number is awaited.

import Cells
import Linux

final class Programs {
    private let starter: Starter
    private var groups = CallGroups(below: nil) { [:] }
    /// Asked for, in order, and not yet answered.
    private var unanswered: [(program: RunningProgram, since: Duration)] = []
    /// Children that ended and that no answer has named yet.
    private var unclaimed: [Orphans.Ended] = []
    private let send: (CellFrame) -> Void

    private var running: [RunningProgram] = []
    /// In the order of their places in the set that was waited for; some may have come or gone since.
    private var polled: [RunningProgram] = []
    /// Staying programs that have ended, for whoever asks what became of them.
    private var remembered: [RunningProgram] = []
    private var lastFile = 0
    private var lastProcess: UInt32 = 0

    static let mostRunning = 64
    static let mostRemembered = 64

    init(
        _ starter: consuming Starter, group: ControlGroup?,
        send: @escaping (CellFrame) -> Void
    ) {
        self.starter = starter
        self.send = send
        groups = CallGroups(below: group) { [unowned self] in leaders }
    }

    private var leaders: [Int32: UInt32] {
        Dictionary(running.map { ($0.pid, $0.group.mark) }) { _, later in later }
    }

    /// A program of the cell can end the starter, or stop it: they are of the same user.
    private(set) var starterIsAlive = true
    static let starterPatience: Duration = .seconds(10)

    // MARK: Requests

    func perform(_ request: ProgramRequest, call: UInt32) throws(CellFailure) {
        switch request {
        case .run(let run): try self.run(run, call: call)
        case .start(let start): try stay(start, call: call)
        case .output(let process, let standardErrorToo, let from, let most):
            let program = try staying(process)
            let stream = standardErrorToo ? program.error : program.output
            let (place, bytes) = stream.ring.read(from: from, most: Int(most))
            answer(
                .output(ProcessOutput(from: place, bytes: bytes, status: try status(of: program))), to: call)
        case .input(let process, let bytes, let closes):
            let program = try staying(process)
            guard program.takesInput else {
                throw CellFailure(.invalid, "process \(process) takes no input any more")
            }
            guard program.feed(bytes, closing: closes) else {
                throw CellFailure(
                    .tooLarge,
                    "process \(process) has not read what it was given before; wait, and send it again")
            }
            answer(.accepted(UInt32(bytes.count)), to: call)
        case .stop(let process, let signal, let grace):
            let program = try staying(process)
            guard program.ended == nil else { return answer(.status(try status(of: program)), to: call) }
            program.stopCalls.append(call)
            Signals.send(Int32(signal), to: -program.pid)
            program.deadline = SystemClock.monotonic + .milliseconds(Int(grace))
        case .list:
            let now = SystemClock.monotonic
            answer(.processes((remembered + running).compactMap { $0.status(at: now) }), to: call)
        }
    }

    private func answer(_ result: ProgramResult, to call: UInt32) {
        send(CellFrame(.programResult, call: call, result.encoded))
    }

    private func staying(_ process: UInt32) throws(CellFailure) -> RunningProgram {
        let found = (running + remembered).first {
            if case .staying(process) = $0.role { true } else { false }
        }
        guard let found else {
            throw CellFailure(.notFound, "there is no process \(process) of start_process")
        }
        return found
    }

    private func status(of program: RunningProgram) throws(CellFailure) -> ProcessStatus {
        guard let status = program.status(at: SystemClock.monotonic) else {
            throw CellFailure(.invalid, "not a process that stays")
        }
        return status
    }

    // MARK: Starting

    private func run(_ run: RunProgram, call: UInt32) throws(CellFailure) {
        let program = try start(run.start, .call(call), most: Int(run.mostOutput))
        if run.timeoutMilliseconds > 0 {
            program.deadline = program.started + .milliseconds(Int(run.timeoutMilliseconds))
        }
        _ = program.feed(run.input, closing: true)
    }

    private func stay(_ start: ProgramStart, call: UInt32) throws(CellFailure) {
        lastProcess += 1
        let program = try self.start(start, .staying(lastProcess), most: 0)
        _ = program.feed([], closing: false)
        program.startCall = call
    }

    private func start(
        _ start: ProgramStart, _ role: RunningProgram.Role, most: Int
    ) throws(CellFailure) -> RunningProgram {
        guard running.count < Self.mostRunning else {
            throw CellFailure(
                .tooLarge, "\(Self.mostRunning) programs are running, which is the cell's limit")
        }
        do throws(SystemError) {
            let group = try groups.take()
            do throws(SystemError) {
                return try launch(start, role, group, most: most)
            } catch {
                groups.giveBack(group)
                throw error
            }
        } catch {
            throw Self.failure(error, start.arguments)
        }
    }

    private func launch(
        _ start: ProgramStart, _ role: RunningProgram.Role, _ callGroup: CallGroup, most: Int
    ) throws(SystemError) -> RunningProgram {
        let input = try Pipe()
        let output = try Pipe()
        let error = try Pipe()
        try input.writing.setBlocking(false)
        try output.reading.setBlocking(false)
        try error.reading.setBlocking(false)
        let path = start.directory.isEmpty ? "/workspace" : start.directory
        let directory = try File.open(path, .directory)
        let now = SystemClock.monotonic
        try starter.ask(
            Starter.Program(start.arguments, environment: start.environment + [callGroup.variable]),
            in: directory, input: input.reading, output: output.writing, error: error.writing,
            group: try callGroup.table())
        lastFile += 1
        let name = "\(Self.stamp)-\(lastFile)"
        let program = RunningProgram(
            role, arguments: start.arguments, group: callGroup, at: now,
            input: input.writingAlone(),
            output: RunningProgram.Stream(
                output.readingAlone(), OutputKeeper(most: most, name: "\(name).stdout")),
            error: RunningProgram.Stream(
                error.readingAlone(), OutputKeeper(most: most, name: "\(name).stderr")))
        running.append(program)
        unanswered.append((program, now))
        return program
    }

    /// True while somebody waits for the starter's word and for nothing else.
    private var awaitsStarter: Bool {
        guard !unanswered.isEmpty else { return false }
        return !unclaimed.isEmpty
            || unanswered.contains { $0.program.startCall != nil || $0.program.hasHungUp }
    }

    private func hearStarter() {
        do throws(SystemError) {
            while let answer = try starter.nextAnswer() {
                guard !unanswered.isEmpty else { return }
                take(answer, for: unanswered.removeFirst().program)
            }
        } catch {
            loseStarter()
        }
        if unanswered.isEmpty { unclaimed = [] }
    }

    /// Nothing can be started any more, and so the cell ends. Who waits for a start is told why.
    private func loseStarter() {
        starterIsAlive = false
        for (program, _) in unanswered {
            take(.failed(SystemError("recv", .brokenPipe, "the starter")), for: program)
        }
        unanswered = []
    }

    private func take(_ answer: Starter.Answer, for program: RunningProgram) {
        switch answer {
        case .started(let pid):
            program.isRunning(as: pid)
            if let call = program.startCall, let status = program.status(at: SystemClock.monotonic) {
                self.answer(.status(status), to: call)
            }
            program.startCall = nil
            if let place = unclaimed.firstIndex(where: { $0.pid == pid }) {
                end(program, unclaimed.remove(at: place))
            }
        case .failed(let error):
            running.removeAll { $0 === program }
            groups.giveBack(program.group)
            let failure = Self.failure(error, program.arguments)
            let call: UInt32? = if case .call(let call) = program.role { call } else { program.startCall }
            if let call { send(CellFrame(.failure, call: call, failure.encoded)) }
        }
    }

    /// Keeps the output files of one visit apart from those of the next.
    private static let stamp = SystemClock.secondsSince1970

    private static func failure(_ error: SystemError, _ arguments: [String]) -> CellFailure {
        let name = arguments[0]
        switch (error.call, error.errno) {
        case ("execve", .notFound):
            return CellFailure(.notFound, "there is no program \(name) in this cell")
        case ("execve", .permissionDenied):
            return CellFailure(
                .deniedByWall, "\(name) may not be executed: it is not an executable file here")
        case ("execve", .listTooLong):
            let longest = arguments.map(\.utf8.count).max() ?? 0
            return CellFailure(
                .tooLarge,
                "\(name) could not be started: its longest argument has \(longest) bytes, and the kernel takes 131071"
            )
        case ("recv", _), ("sendmsg", _):
            return CellFailure(
                .other,
                """
                \(name) could not be started: the process that starts programs gave no answer, because a program of \
                this cell stopped or killed it. The cell ends
                """)
        case ("open", .notFound):
            return CellFailure(.notFound, "there is no directory \(error.object) to run in")
        default:
            let object = error.object.isEmpty ? name : error.object
            return CellFailure(
                .other, "\(name) could not be started: \(error.call) \(object): \(error.errno)")
        }
    }

    // MARK: The loop's part

    func poll(_ set: inout PollSet, reading: Bool) {
        polled = running
        if awaitsStarter { set.add(starter.socket, .read) } else { set.addNothing() }
        for program in running { program.poll(&set, reading: reading) }
    }

    /// How long nothing happens by itself.
    func nextDeadline() -> Duration? {
        let starterDeadline = unanswered.first.map { $0.since + Self.starterPatience }
        return (running.compactMap(\.deadline) + [starterDeadline].compactMap(\.self)).min()
    }

    /// What became ready, from this place of the set on.
    func handle(_ set: PollSet, from first: Int) {
        if !unanswered.isEmpty { hearStarter() }
        let now = SystemClock.monotonic
        if let oldest = unanswered.first, oldest.since + Self.starterPatience <= now {
            loseStarter()
        }
        for (place, program) in polled.enumerated() {
            let base = first + 1 + place * RunningProgram.pollPlaces
            if !set[base].isEmpty { program.writeInput() }
            if !set[base + 1].isEmpty { program.pass(.output, send) }
            if !set[base + 2].isEmpty { program.pass(.errorOutput, send) }
        }
        for program in running {
            guard let deadline = program.deadline, deadline <= now else { continue }
            program.deadline = nil
            program.timedOut = program.stopCalls.isEmpty
            program.kill()
        }
    }

    func reapAll() {
        while let ended = Orphans.reap() {
            if ended.pid == starter.pid {
                loseStarter()
            } else if let program = running.first(where: { $0.pid == ended.pid }) {
                end(program, ended)
            } else if !unanswered.isEmpty {
                unclaimed.append(ended)
            }
        }
        if !unclaimed.isEmpty { hearStarter() }
    }

    private func end(_ program: RunningProgram, _ ended: Orphans.Ended) {
        program.leaderEnded(ended, at: SystemClock.monotonic)
        finish(program)
    }

    private func finish(_ program: RunningProgram) {
        program.putToRest(send)
        running.removeAll { $0 === program }
        switch program.role {
        case .call(let call):
            if let end = program.result { answer(.ended(end), to: call) }
        case .staying:
            remembered.append(program)
            if remembered.count > Self.mostRemembered { remembered.removeFirst() }
            for call in program.stopCalls {
                if let status = program.status(at: SystemClock.monotonic) {
                    answer(.status(status), to: call)
                }
            }
        }
        groups.giveBack(program.group)
    }

    /// When nobody waits for anything. False when there is more of it to do a little later.
    func tidy() -> Bool { groups.tidy() }

    /// Ends what a call started; its end is reported as any other.
    func cancel(_ call: UInt32) {
        for program in running {
            if case .call(call) = program.role { program.kill() }
        }
    }
}
