import Linux

/// A program that speaks to the bus in celld's place. Its descriptor 3 is a socket to celld; when that is closed, it ends.
struct BusChild: ~Copyable {
    let channel: OwnedFD
    private let process: NamespacedProcess

    /// `other` becomes its descriptor 4.
    init(
        _ name: String, _ words: [String], passing other: borrowing OwnedFD? = nil
    ) throws(SystemError) {
        let program = try Process.companion(name)
        let pair = try UnixSocket.pair(.packet)
        try pair.other.setBlocking(true)
        var passed = DescriptorTable()
        try passed.add(pair.other)
        if other != nil { try passed.add(other!) }
        let address = Process.environment("DBUS_SYSTEM_BUS_ADDRESS").map { ["DBUS_SYSTEM_BUS_ADDRESS=" + $0] }
        process = try NamespacedProcess.start(
            try File.open(program), [program] + words, environment: address ?? [], in: [],
            descriptors: passed, endsWithParent: true)
        channel = pair.keepOne()
    }

    deinit { end() }

    func watch(in set: inout PollSet) { set.add(process.pidfd, .read) }

    /// `nil` while it runs.
    func status() -> ProcessFD.Status? { try? ProcessFD.reap(process.pidfd) }

    func end() {
        // It acts as another user, whom celld may not kill where its unit takes that right away: then this ends it.
        UnixSocket.shutdown(channel)
        process.end()
    }
}
