import Linux

/// Who belongs together, where there is no control group to say so.
protocol Census {
    var members: [Int32] { get }
    func send(_ signal: Int32, to pid: Int32)
}

extension Census {
    func send(_ signal: Int32, to pid: Int32) { Signals.send(signal, to: pid) }

    /// Stopped first, so that nobody takes the place of one who is killed; and then all at once.
    func killAll() {
        for round in 0..<50 {
            var stopped = Set<Int32>()
            while true {
                let others = members.filter { !stopped.contains($0) }
                if others.isEmpty { break }
                for pid in others { send(Signals.stop, to: pid) }
                stopped.formUnion(others)
            }
            if stopped.isEmpty { return }
            for pid in stopped { send(Signals.kill, to: pid) }
            // A moment to die in.
            if round > 0 { SystemClock.sleep(.milliseconds(1)) }
        }
    }
}
