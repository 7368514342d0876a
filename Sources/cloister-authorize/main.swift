// Asks polkit in celld's place whether a client may have a command run as root:
//
//     cloister-authorize PID START UID ACTION [KEY VALUE]...
//
// Descriptor 3 is a socket of celld's: when that is closed nobody wants the answer any more, and by leaving the bus the
// question is taken back. Descriptor 4 stands for the client's process. What polkit says is the exit status
// (PolkitAnswer); why it could not be asked is said on standard error.

import Bus
import Cells
import EventLoop
import Glibc
import Linux

struct Asked: Sendable {
    let pid: Int32
    let start: UInt64
    let uid: UInt32
    let action: String
    let details: [(String, String)]

    init?(_ words: [String]) {
        guard words.count >= 5, words.count % 2 == 1,
            let pid = Int32(words[1]), pid > 0, let start = UInt64(words[2]), let uid = UInt32(words[3])
        else { return nil }
        (self.pid, self.start, self.uid, action) = (pid, start, uid, words[4])
        details = stride(from: 5, to: words.count, by: 2).map { (words[$0], words[$0 + 1]) }
    }
}

func fail(_ why: String) -> Never {
    StandardError.write("cloister-authorize: \(why)\n")
    exit(1)
}

/// polkit answers questions about another user's process to root and to the owner of the action, who is cloisterd's user.
/// cloisterd must not decide in polkit's place. So we are closed to our own user before our capabilities go: as long as
/// there are some, nobody who has none can trace us.
func dropRights() throws(SystemError) {
    if Process.userID == 0 {
        // Where nobody owns the action, it is root who may ask.
        let user = Process.user("cloister") ?? NamespacedProcess.User(uid: 0, gid: 0)
        try Process.become(user, droppingGroups: true)
        try Process.setDumpable(false)
        try Capabilities.clear()
    }
    try Process.setNoNewPrivileges()
}

func answer(_ asked: Asked, _ authority: PolkitAuthority) async throws -> PolkitAnswer {
    let client = try OwnedFD(inherited: 4)
    let version = try await authority.version()
    let subject: PolkitSubject
    do throws(PolkitSubject.Obstacle) {
        subject = try PolkitSubject(process: client, pid: asked.pid, uid: asked.uid, version: version) {
            asked.start
        }
    } catch {
        return .clientIsGone
    }
    let decision = try await authority.check(asked.action, subject, asked.details)
    if decision.isAuthorized { return .allowed }
    if decision.needsAgent { return .nobodyToAsk }
    return decision.isDismissed ? .dismissed : .denied
}

func run(_ arguments: [String]) throws -> Never {
    guard let asked = Asked(arguments) else { fail("celld starts this program, and nobody else") }
    try dropRights()
    let celld = try OwnedFD(inherited: 3)
    let loop = try EventLoop()
    let authority = PolkitAuthority(BusConnection(to: try .ofSystem(), on: loop))
    _ = try loop.watch(celld, .read) { _ in exit(1) }
    loop.spawn {
        do {
            exit(try await answer(asked, authority).rawValue)
        } catch {
            fail("polkit cannot be asked: \(BusText.cut("\(error)", to: 1000))")
        }
    }
    try loop.run()
    fail("the loop has ended")
}

do {
    try run(CommandLine.arguments)
} catch {
    fail("\(error)")
}
