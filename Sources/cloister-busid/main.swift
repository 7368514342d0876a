// Tells celld who somebody on the system bus is: cloister-busid :1.42
//
// Descriptor 3 is a socket of packets. What the bus says goes out in a fixed layout, and again for everything that comes
// in; where there is nothing to say, it ends. It acts as nobody, and has no right.

import Bus
import Cells
import Glibc
import Linux

func tell(_ name: String, over socket: borrowing OwnedFD, _ bus: WaitingBus) throws {
    let method = BusMethod(
        "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetConnectionCredentials")
    let reply = try bus.call(method) { (message) throws(BusError) in try message.append(name) }
    let caller = try BusCaller(name, reading: reply)
    let credentials = BusCredentials(
        uid: caller.uid, pid: UInt32(caller.pid), groups: caller.groups ?? [])
    var passed = DescriptorTable()
    if caller.pidfd != nil { try passed.add(caller.pidfd!) }
    _ = try UnixSocket.send(socket, credentials.encoded, passing: passed)
}

func isAskedAgain(over socket: borrowing OwnedFD) throws -> Bool {
    var set = PollSet()
    set.add(socket, .read)
    try set.wait()
    return try UnixSocket.receive(socket, atMost: 1).map { !$0.bytes.isEmpty } ?? false
}

func run(_ arguments: [String]) throws {
    // Whoever waits for us cannot end us.
    alarm(10)
    guard arguments.count == 2, UniqueName.isOne(arguments[1]) else { return }
    if Process.userID == 0 {
        guard let nobody = Process.user("nobody") else { throw SystemError("getpwnam", .notFound, "nobody") }
        try Process.become(nobody, droppingGroups: true)
        try Capabilities.clear()
    }
    try Process.setNoNewPrivileges()
    let socket = try OwnedFD(inherited: 3)
    let bus = try WaitingBus(.ofSystem())
    repeat { try tell(arguments[1], over: socket, bus) } while try isAskedAgain(over: socket)
}

do {
    try run(CommandLine.arguments)
} catch {
    StandardError.write("cloister-busid: \(error)\n")
    exit(1)
}
