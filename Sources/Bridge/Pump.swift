// Copies bytes both ways between an application's pipes and the daemon's socket.
//
//     standard input ──▶ up ──▶ socket            up ends:   shutdown(socket, writing)
//     standard output ◀── down ◀── socket         down ends: close(standard output)
//
// It never looks at the bytes. Each direction holds at most one buffer, and reads only when that is empty,
// so the slowness of one side reaches the other. Neither direction waits for the other.
//
// Standard input and output are shared with the application, so their blocking mode is not ours to change:
// we read only what poll says is there, and write to a pipe through an open file of our own; or, where that
// is denied because the pipe is another user's, only what poll says there is room for.
//
// It ends when both directions have ended, when the socket or the reader of our output is gone, or with its
// parent (by pidfd: a parent's death signal would come when the parent's *thread* ends).

import Linux

package struct Pump: ~Copyable {
    package enum End: Equatable, Sendable {
        /// The application finished first, and got its answers.
        case finished
        case daemonWentAway
        case parentEnded
    }

    private struct Flow {
        var bytes: [UInt8] = []
        var sent = 0
        var sourceEnded = false
        var isOver = false

        var isEmpty: Bool { sent == bytes.count }
        var wantsBytes: Bool { isEmpty && !sourceEnded }
    }

    private static let bufferSize = 64 << 10

    private let input: OwnedFD
    private var output: OwnedFD?
    private let outputType: OwnedFD.FileType
    private var outputMayBlock = false
    private let socket: OwnedFD
    private let parent: OwnedFD?
    private var up = Flow()
    private var down = Flow()
    private var polled = PollSet()

    /// `greeting` goes to the daemon before the application's first byte.
    package init(
        input: consuming OwnedFD, output: consuming OwnedFD, socket: consuming OwnedFD,
        parent: consuming OwnedFD?, greeting: [UInt8]
    ) {
        self.input = input
        self.socket = socket
        self.parent = parent
        outputType = output.type
        if outputType == .pipe, let own = try? output.reopenedPipe() {
            self.output = consume own
        } else {
            // To a socket we send without blocking, whatever its mode.
            outputMayBlock = outputType != .socket
            self.output = consume output
        }
        up.bytes = greeting
    }

    package consuming func run() throws(SystemError) -> End {
        while true {
            try wait()
            if polled[Place.parent].contains(.read) { return .parentEnded }
            if !polled[Place.input].isEmpty { try readInput() }
            if !polled[Place.socket].isDisjoint(with: [.read, .hangUp]), down.wantsBytes {
                guard try readSocket() else { return .daemonWentAway }
            }
            guard try flushUp() else { return up.sourceEnded ? .finished : .daemonWentAway }
            guard try flushDown() else { return .finished }
            // All that came is delivered, and nothing more can be sent: both of our directions are over, or
            // both of the socket's are closed.
            if down.isOver, up.isOver || polled[Place.socket].isHungUp {
                return up.sourceEnded ? .finished : .daemonWentAway
            }
        }
    }

    private enum Place {
        static let (parent, input, socket, output) = (0, 1, 2, 3)
    }

    private mutating func wait() throws(SystemError) {
        polled.removeAll()
        if parent != nil { polled.add(parent!, .read) } else { polled.addNothing() }
        if up.wantsBytes { polled.add(input, .read) } else { polled.addNothing() }
        var interest: PollSet.Readiness = []
        if down.wantsBytes { interest.insert(.read) }
        if !up.isEmpty { interest.insert(.write) }
        // A hang-up is reported unasked. While our reader's slowness is what we wait for, it would end every
        // wait at once; it is still there afterwards.
        if interest.isEmpty, !down.isOver { polled.addNothing() } else { polled.add(socket, interest) }
        if output != nil {
            // Without bytes to write, only the news that its reader is gone.
            polled.add(output!, down.isEmpty ? [] : .write)
        } else {
            polled.addNothing()
        }
        try polled.wait()
    }

    // MARK: Reading

    private mutating func readInput() throws(SystemError) {
        do throws(SystemError) {
            try Self.fill(&up, from: input)
        } catch  where error.errno == .connectionReset {
            // A socket whose application left without reading all of its answers.
            up.sourceEnded = true
        }
    }

    /// False when the connection broke instead of ending.
    private mutating func readSocket() throws(SystemError) -> Bool {
        do throws(SystemError) {
            try Self.fill(&down, from: socket)
            return true
        } catch  where error.errno == .connectionReset {
            return false
        }
    }

    private static func fill(_ flow: inout Flow, from source: borrowing OwnedFD) throws(SystemError) {
        var failure: SystemError?
        var count: Int? = 0
        flow.sent = 0
        flow.bytes = unsafe Array(unsafeUninitializedCapacity: bufferSize) { buffer, filled in
            do throws(SystemError) {
                count = try unsafe source.read(into: UnsafeMutableRawBufferPointer(buffer))
                filled = count ?? 0
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        if count == 0 { flow.sourceEnded = true }
    }

    // MARK: Writing

    /// False when the daemon takes nothing more.
    private mutating func flushUp() throws(SystemError) -> Bool {
        if !up.isEmpty {
            do throws(SystemError) {
                up.sent += try UnixSocket.send(socket, up.bytes.span.extracting(up.sent...)) ?? 0
            } catch  where [.brokenPipe, .connectionReset].contains(error.errno) {
                // What the daemon said before it went is still to be delivered.
                up = Flow(sourceEnded: up.sourceEnded, isOver: true)
                return !down.isOver
            }
        }
        if up.isEmpty, up.sourceEnded, !up.isOver {
            UnixSocket.shutdownWriting(socket)
            up.isOver = true
        }
        return true
    }

    /// False when nobody reads our output any more.
    private mutating func flushDown() throws(SystemError) -> Bool {
        guard output != nil else { return true }
        if polled[Place.output].isHungUp, outputType != .other { return false }
        if !down.isEmpty, !outputMayBlock || polled[Place.output].contains(.write) {
            do throws(SystemError) {
                down.sent += try write(down.bytes.span.extracting(down.sent...)) ?? 0
            } catch  where [.brokenPipe, .connectionReset].contains(error.errno) {
                return false
            }
        }
        if down.isEmpty, down.sourceEnded, !down.isOver {
            output = nil
            down.isOver = true
        }
        return true
    }

    /// What a pipe has room for when poll says that it has any: a page.
    private static let leastRoom = 4096

    private borrowing func write(_ bytes: Span<UInt8>) throws(SystemError) -> Int? {
        switch outputType {
        case .socket: try UnixSocket.send(output!, bytes)
        case .pipe where outputMayBlock:
            try output!.write(bytes.extracting(..<min(bytes.count, Self.leastRoom)))
        case .pipe, .other: try output!.write(bytes)
        }
    }
}
