import Bus
import Linux

extension PeerCredentials {
    /// Of somebody on the bus, as the bus vouches for them. Which of the groups is the first one it does not say, and
    /// nobody here asks.
    init(_ caller: BusCaller) throws(SystemError) {
        guard let groups = caller.groups, let first = groups.first else {
            throw SystemError(
                "GetConnectionCredentials", .invalid, "the bus does not say the caller's groups")
        }
        let pidfd: OwnedFD?
        if caller.pidfd != nil {
            pidfd = try caller.pidfd!.duplicate()
        } else {
            pidfd = try? ProcessFD.open(caller.pid)
        }
        self.init(
            uid: caller.uid, gid: first, pid: caller.pid, pidfd: pidfd, pidfdIsExact: caller.pidfd != nil,
            label: caller.label, groups: groups)
    }
}
