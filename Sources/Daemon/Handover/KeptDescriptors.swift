import EventLoop
import Linux

/// What the service manager kept of the process before us, by name.
// Unchecked: touched on the loop's thread only.
package final class KeptDescriptors: @unchecked Sendable {
    package final class Descriptor: Sendable {
        let fd: OwnedFD
        init(_ fd: consuming OwnedFD) { self.fd = fd }

        /// The manager has it still: whoever closes it says so to the peer.
        func stream(on loop: EventLoop) -> SocketStream? {
            guard let own = try? fd.duplicate() else { return nil }
            let stream = SocketStream(own, on: loop)
            stream.isShared = true
            return stream
        }
    }

    private var descriptors: [String: [Descriptor]] = [:]

    package init() {}

    var names: some Sequence<String> { descriptors.keys }

    package func add(_ fd: consuming OwnedFD, as name: String) {
        descriptors[name, default: []].append(Descriptor(fd))
    }

    func take(_ name: String) -> Descriptor? { descriptors.removeValue(forKey: name)?.first }

    /// Those that anything was kept of.
    var slots: [Int] {
        Set(
            descriptors.keys.compactMap {
                DescriptorStore.Name.slot($0, of: "s") ?? DescriptorStore.Name.slot($0, of: "c")
            }
        ).sorted()
    }

    /// What there is of one session. The manager drops by itself what its peer has closed.
    final class Session {
        var stream: SocketStream?
        var cell: SocketStream?
        var voucher: SocketStream?
        fileprivate var journalFile: Descriptor?
        fileprivate var process: Descriptor?

        /// What it says, and the file itself.
        func journal() throws(SystemError) -> (SessionMemory, Journal)? {
            guard let journalFile else { return nil }
            var records: [(SessionRecord, Int)] = []
            let contents = try Journal.contents(of: journalFile.fd)
            for record in contents.records {
                do {
                    records.append((try SessionRecord(decoding: record.bytes), record.unsent))
                } catch {
                    throw SystemError("read", .invalid, "its journal: \(error)")
                }
            }
            guard var memory = SessionMemory(records) else { return nil }
            memory.add(landing: contents.landing, contents.landingNumber)
            return (memory, try Journal(try journalFile.fd.duplicate()))
        }

        func credentials(_ client: ClientMemory) throws(SystemError) -> PeerCredentials {
            let bus = client.bus
            guard bus == nil, let stream else {
                let process = try process?.fd.duplicate()
                return PeerCredentials(
                    uid: client.uid, gid: bus?.groups.first ?? .max, pid: client.pid, pidfd: process,
                    pidfdIsExact: bus?.isExact ?? false, label: bus?.label, groups: bus?.groups ?? [])
            }
            guard let process else { return try stream.peerCredentials() }
            return try stream.peerCredentials(known: try process.fd.duplicate())
        }

        /// Nobody goes on with it.
        func close() { for socket in [stream, cell, voucher] { socket?.close() } }
    }

    /// Of a command on the host.
    func command(_ slot: Int, on loop: EventLoop) -> SocketStream? {
        take(DescriptorStore.Name.command(slot))?.stream(on: loop)
    }

    /// What nobody goes on with ends, and its names are given back.
    func closeRest(in store: DescriptorStore, on loop: EventLoop) {
        for (name, left) in descriptors {
            for descriptor in left { descriptor.stream(on: loop)?.close() }
            store.drop(name)
        }
        descriptors = [:]
    }

    func session(_ slot: Int, on loop: EventLoop) -> Session {
        let session = Session()
        for descriptor in descriptors.removeValue(forKey: DescriptorStore.Name.session(slot)) ?? [] {
            if descriptor.fd.type == .socket {
                session.stream = descriptor.stream(on: loop)
            } else if MemoryFile.isOne(descriptor.fd) {
                session.journalFile = descriptor
            } else {
                session.process = descriptor
            }
        }
        session.voucher = take(DescriptorStore.Name.voucher(slot))?.stream(on: loop)
        session.cell = take(DescriptorStore.Name.cell(slot))?.stream(on: loop)
        return session
    }
}
