// Those whom celld has met on the bus, and the sockets by which it knows them again.
//
//   met ──a pair of sockets, one end to cloisterd──▶ known, wherever that end comes along ──it is closed──▶ forgotten
//
// A socket is known by its inode, which is nobody else's as long as our own end is there; what somebody else made is
// no voucher, whatever it says.

import Linux

final class Vouchers {
    /// Somebody on the bus, pinned by a descriptor of their process.
    final class Peer {
        let pinned: PeerCredentials
        init(_ pinned: consuming PeerCredentials) { self.pinned = pinned }

        func credentials() throws(SystemError) -> PeerCredentials {
            let pidfd: OwnedFD?
            if pinned.pidfd != nil { pidfd = try pinned.pidfd!.duplicate() } else { pidfd = nil }
            return PeerCredentials(
                uid: pinned.uid, gid: pinned.gid, pid: pinned.pid, pidfd: pidfd,
                pidfdIsExact: pinned.pidfdIsExact, groups: pinned.groups)
        }
    }

    final class Voucher {
        let peer: Peer
        /// Our end.
        let socket: OwnedFD
        /// What theirs is known by.
        let theirs: FileIdentity

        init(_ peer: Peer, _ socket: consuming OwnedFD, theirs: FileIdentity) {
            (self.peer, self.theirs) = (peer, theirs)
            self.socket = socket
        }
    }

    static let most = 4096
    private(set) var all: [Voucher] = []

    /// The end that is given away.
    func vouch(for peer: Peer) throws(SystemError) -> OwnedFD {
        let pair = try UnixSocket.pair(.packet)
        let theirs = try pair.other.duplicate()
        all.append(Voucher(peer, try pair.one.duplicate(), theirs: try theirs.status().identity))
        return theirs
    }

    func peer(of socket: borrowing OwnedFD) -> Peer? {
        guard let identity = try? socket.status().identity else { return nil }
        return all.first { $0.theirs == identity }?.peer
    }

    func forget(_ voucher: Voucher) { all.removeAll { $0 === voucher } }
}
