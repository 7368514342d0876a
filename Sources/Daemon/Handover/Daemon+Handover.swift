// What the daemon takes over from the process before it, and leaves to the one behind it.

import Audit
import EventLoop
import Linux
import Policy

extension Daemon {
    /// What the service manager kept of the process before us, before anybody new is accepted.
    package func takeOver(_ kept: KeptDescriptors) {
        guard let store else { return }
        store.adopt(kept.names)
        for (name, link) in [(DescriptorStore.Name.celld, celld), (DescriptorStore.Name.commands, commands)] {
            guard let socket = kept.take(name), let link else { continue }
            do {
                try link.assumeIsolated { try $0.adopt(socket) }
            } catch {
                log.warning("the connection to \(name) is lost: \(error)")
            }
        }
        for slot in kept.slots {
            let left = kept.session(slot, on: loop)
            do throws(SystemError) {
                if try resume(left, in: slot, store, kept) { continue }
            } catch {
                log.warning("a session was lost on its way to this process: \(error)")
            }
            left.close()
            store.dropSession(slot)
        }
        kept.closeRest(in: store, on: loop)
        if !sessions.isEmpty { log.notice("going on with \(sessions.count) sessions") }
    }

    /// False where there is nobody to go on with.
    private func resume(
        _ left: KeptDescriptors.Session, in slot: Int, _ store: DescriptorStore, _ kept: KeptDescriptors
    ) throws(SystemError) -> Bool {
        guard let (found, journal) = try left.journal() else { return false }
        var memory = found
        var goesOn = false
        defer { if !goesOn { takeBack(memory) } }
        let old = memory.client
        lastSession = max(lastSession, old.session)
        // Of whoever left meanwhile, or could not be handed over, it is gone through to its end: what was under way comes
        // on record, and what it asked for is taken back.
        let isOver = left.stream == nil
        if isOver {
            memory.input = []
        } else if memory.isSuspect, !memory.isComplete {
            throw SystemError("resume", .invalid, "this daemon has crashed twice over what it sent")
        }
        let stream: SocketStream
        if let socket = left.stream {
            stream = socket
        } else {
            stream = SocketStream(try UnixSocket.pair().keepOne(), on: loop)
        }
        let client = Client(
            try left.credentials(old), old.identity, digest: old.digest, session: old.session,
            busName: old.bus?.name)
        if !isOver, let name = client.busName {
            // Whose place is on the bus is served as long as it is there.
            guard let door else { return false }
            door.adopt(client.session, of: name)
        }
        let policy = SessionPolicy(policy.set, for: ClientFacts(client, names))
        let session = session(of: client, over: stream, by: policy, vouchedBy: left.voucher ?? stream)
        let keeper = SessionKeeper(stream, slot: slot, journal: journal, in: store)
        count(1, of: client.credentials.uid)
        do throws(SystemError) {
            try start(session)
        } catch {
            isGone(of: client.credentials.uid)
            throw error
        }
        session.assumeIsolated { [cell = left.cell, loop] in
            $0.resume(memory, overCell: cell, keeper: keeper) { kept.command($0, on: loop) }
        }
        goesOn = true
        if isOver { session.assumeIsolated { $0.end() } }
        return true
    }

    /// Commands that were asked for by somebody whom nobody goes on with.
    private func takeBack(_ memory: SessionMemory) {
        for number in memory.calls.compactMap(\.hostRequest) {
            (commands ?? celld)?.assumeIsolated { $0.takeBack(number) }
        }
    }

    /// Clients that can be left to the next process notice nothing. When what has begun in this turn has come to where
    /// it waits, so that nothing of it is on its way. Those that call methods on the bus are told that their sessions end.
    func handOver() {
        let before = sessions.count
        for session in Array(sessions.values) {
            session.assumeIsolated { if $0.isKept { $0.pause() } else { $0.end() } }
        }
        loop.whenQuiet { [unowned self] in
            assumeIsolated { daemon in
                for link in [daemon.celld, daemon.commands] { link?.assumeIsolated { $0.pause() } }
                for session in Array(daemon.sessions.values)
                where !session.assumeIsolated({ $0.handOver() }) {
                    session.assumeIsolated { $0.end() }
                }
                let kept = daemon.sessions.count
                daemon.log.notice("\(kept) sessions of \(before) wait for the next process")
                daemon.endWhenQuiet(because: "asked to stop, with \(kept) sessions left to the next")
            }
        }
    }
}
