import Cells
import Linux

/// One program of the cell, from its start until nothing of it is left.
///
///     asked for ──▶ running ──leader ends──▶ what it left running is killed ──▶ its pipes are emptied ──▶ reported
///        │             └──time is up, cancelled, stopped──▶ all of it is killed ──┘
///        └──could not be started──▶ reported
///
/// A program that closes its output and goes on is running; one whose children hold its output open after it
/// ended is not.
final class RunningProgram {
    /// A program of one call, or one that stays between calls.
    enum Role {
        case call(UInt32)
        case staying(UInt32)
    }

    let role: Role
    /// 0 until the starter has said it.
    private(set) var pid: Int32 = 0
    /// It was to be ended before it was known to run.
    private(set) var isUnwanted = false
    /// The words that it was started with.
    let arguments: [String]
    let group: CallGroup
    let started: Duration
    var deadline: Duration?
    var timedOut = false
    /// Who waits for a staying one to run.
    var startCall: UInt32?
    /// Who waits for a staying one to end.
    var stopCalls: [UInt32] = []

    private(set) var ended: Orphans.Ended?
    private(set) var endedAt: Duration?
    private var input: OwnedFD?
    private var inputLeft: ArraySlice<UInt8> = []
    private var closesInput = true
    private var streams: [Stream]

    final class Stream {
        var fd: OwnedFD?
        var keeper: OutputKeeper
        var ring = OutputRing()

        init(_ fd: consuming OwnedFD, _ keeper: OutputKeeper) {
            self.fd = consume fd
            self.keeper = keeper
        }
    }

    init(
        _ role: Role, arguments: [String], group: CallGroup, at now: Duration,
        input: consuming OwnedFD?, output: Stream, error: Stream
    ) {
        (self.role, self.arguments) = (role, arguments)
        (self.group, started) = (group, now)
        self.input = consume input
        streams = [output, error]
    }

    var output: Stream { streams[0] }
    var error: Stream { streams[1] }

    func isRunning(as pid: Int32) {
        self.pid = pid
        if isUnwanted { group.kill() }
    }

    func kill() {
        isUnwanted = true
        group.kill()
    }

    /// All of its output that it will ever have has been read, as far as pipes can tell.
    var hasHungUp: Bool { streams.allSatisfy { $0.fd == nil } }

    // MARK: Input

    static let mostInputWaiting = 16 << 20

    /// False when too much waits already.
    func feed(_ bytes: [UInt8], closing: Bool) -> Bool {
        guard inputLeft.count + bytes.count <= Self.mostInputWaiting else { return false }
        inputLeft += bytes
        closesInput = closing
        writeInput()
        return true
    }

    var takesInput: Bool { input != nil }
    var hasInputWaiting: Bool { input != nil && !inputLeft.isEmpty }

    func writeInput() {
        while !inputLeft.isEmpty {
            guard input != nil else { return inputLeft = [] }
            do throws(SystemError) {
                let piece = Array(inputLeft.prefix(64 << 10))
                guard let count = try input!.write(piece.span) else { return }
                inputLeft = inputLeft.dropFirst(count)
            } catch {
                // It does not want to hear more.
                inputLeft = []
                input = nil
                return
            }
        }
        if closesInput { input = nil }
    }

    func poll(_ set: inout PollSet, reading: Bool) {
        if hasInputWaiting { set.add(input!, .write) } else { set.addNothing() }
        for stream in streams {
            if reading, stream.fd != nil { set.add(stream.fd!, .read) } else { set.addNothing() }
        }
    }

    static let pollPlaces = 3

    // MARK: Output

    /// What is there now, at most a piece; `nil` when there is nothing now or ever.
    func read(_ stream: Stream) -> [UInt8]? {
        guard stream.fd != nil else { return nil }
        do throws(SystemError) {
            guard let bytes = try stream.fd!.readSome(atMost: 64 << 10) else { return nil }
            if bytes.isEmpty { stream.fd = nil }
            return bytes.isEmpty ? nil : bytes
        } catch {
            stream.fd = nil
            return nil
        }
    }

    // MARK: The end

    func leaderEnded(_ end: Orphans.Ended, at now: Duration) {
        (ended, endedAt) = (end, now)
        input = nil
        inputLeft = []
    }

    func closeOutput() { for stream in streams { stream.fd = nil } }

    /// What became of it.
    private(set) var result: ProgramEnd?

    /// Writes down what became of it while its group is there to say so: who stays is asked for again later.
    func settle() {
        guard let ended, let endedAt else { return }
        var end =
            switch ended.status {
            case .exited(let status): ProgramEnd(.exited(UInt8(truncatingIfNeeded: status)))
            case .signalled(let signal): ProgramEnd(.signalled(UInt8(truncatingIfNeeded: signal)))
            }
        end.timedOut = timedOut
        end.ranOutOfMemory = group.ranOutOfMemory
        end.cpuMicroseconds = group.cpuMicroseconds ?? ended.cpuMicroseconds
        end.wallMicroseconds = Self.microseconds(endedAt - started)
        end.peakMemoryBytes = group.peakMemoryBytes ?? ended.peakMemoryBytes
        end.outputBytes = output.keeper.total
        end.errorBytes = error.keeper.total
        end.outputFile = output.keeper.file
        end.errorFile = error.keeper.file
        result = end
    }

    private var command: String { String(arguments.joined(separator: " ").prefix(200)) }

    func status(at now: Duration) -> ProcessStatus? {
        guard case .staying(let number) = role else { return nil }
        return ProcessStatus(
            process: number, pid: UInt32(pid), command: command,
            runningMicroseconds: Self.microseconds((endedAt ?? now) - started), end: result)
    }

    static func microseconds(_ time: Duration) -> UInt64 {
        let (seconds, attoseconds) = time.components
        return UInt64(max(0, seconds)) * 1_000_000 + UInt64(attoseconds / 1_000_000_000_000)
    }
}
