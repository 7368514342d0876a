import Glibc
import TestSupport
import Testing

@testable import Linux

/// Everything here happens in namespaces that the tests make themselves.
@Suite struct NamespacedProcessTests {
    /// Root may be anybody inside; somebody else only themselves.
    static let user =
        geteuid() == 0
        ? NamespacedProcess.User(uid: 4711, gid: 4712)
        : NamespacedProcess.User(uid: getuid(), gid: getgid())

    /// What a shell script says on descriptor 3 once it has been given its user, and how it ended.
    private func run(
        _ script: String, in namespaces: Namespaces = .all, extra: Int = 0
    ) throws -> (said: [String], status: ProcessFD.Status?) {
        let shell = try File.open("/bin/sh")
        let pipe = try Linux.Pipe()
        var table = DescriptorTable()
        try table.add(pipe.writing)
        for _ in 0..<extra { try table.add(pipe.writing) }
        let word = try Linux.Pipe()
        try table.add(word.reading)
        let wait = "read _ <&\(4 + extra); exec \(4 + extra)<&-;"
        let process = try NamespacedProcess.start(
            shell, ["sh", "-c", wait + script], environment: ["PATH=/usr/bin:/bin", "MARK=here"],
            in: namespaces, descriptors: table)
        try process.map(Self.user)
        _ = try word.writing.write(Array("go\n".utf8).span)
        table = DescriptorTable()
        let reading = pipe.readingAlone()
        var bytes: [UInt8] = []
        while let more = try reading.readSome(atMost: 4096), !more.isEmpty { bytes += more }
        var polled = PollSet()
        polled.add(process.pidfd, .read)
        try polled.wait(milliseconds: 10_000)
        let status = try ProcessFD.reap(process.pidfd)
        return (String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init), status)
    }

    @Test(
        "It is process 1 of its own, may become the one user there, and has nobody else's name for anything")
    func identity() throws {
        let become = "setpriv --reuid \(Self.user.uid) --regid \(Self.user.gid) --keep-groups"
        let (said, status) = try run(
            "{ \(become) id -u; \(become) id -g; echo $$ $MARK; cat /proc/self/uid_map; } >&3")
        let user = Self.user
        #expect(said.prefix(3) == ["\(user.uid)", "\(user.gid)", "1 here"])
        #expect(
            said.last?.split(separator: " ").map(String.init) == ["\(user.uid)", "\(user.uid)", "1"])
        #expect(status == .exited(0))
    }

    @Test("Each namespace that it was promised is another than ours, and none that it was not")
    func namespaces() throws {
        let names = ["user", "mnt", "pid", "ipc", "uts", "net", "cgroup", "time"]
        let script = "for n in \(names.joined(separator: " ")); do readlink /proc/self/ns/$n; done >&3"
        let ours = try names.map { try File.readLink("/proc/self/ns/\($0)") }
        let all = try run(script).said
        #expect(all.count == names.count)
        for (theirs, mine) in zip(all, ours) { #expect(theirs != mine) }
        // The same check, able to say that a wall is missing.
        let fewer = try run(script, in: [.user, .process, .mount]).said
        #expect(zip(fewer, ours).map { $0 != $1 } == [true, true, true, false, false, false, false, false])
    }

    @Test("It keeps every capability of its own user namespace over exec, and has none of ours")
    func capabilities() throws {
        let script = "grep -E '^Cap(Eff|Amb)' /proc/self/status >&3; hostname inside >&3 2>&1 && hostname >&3"
        let said = try run(script).said
        let sets = said.prefix(2).compactMap { $0.split(separator: "\t").last }
        #expect(sets.count == 2 && sets.allSatisfy { UInt64($0, radix: 16) ?? 0 > 0xFF_FFFF })
        #expect(said.last == "inside")
        var name = [CChar](repeating: 0, count: 256)
        unsafe gethostname(&name, name.count)
        #expect(
            String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) != "inside"
        )
        // Without a host name of its own it may not change ours: the capability is its namespace's.
        let refused = try run("hostname inside 2>&3", in: Namespaces.all.subtracting(.hostName))
        #expect(refused.status != .exited(0))
        #expect(!refused.said.isEmpty)
    }

    @Test("It gets the descriptors of the table, and no other but 0, 1 and 2")
    func descriptors() throws {
        let stray = try File.open("/dev/null")
        let said = try run("echo /proc/self/fd/* >&3", extra: 2).said
        _ = consume stray
        let numbers = (said.first ?? "").split(separator: " ").compactMap { path in
            path.split(separator: "/").last.flatMap { Int($0) }
        }
        // The shell itself reads the directory, and keeps a descriptor of its own from 10 on.
        #expect(Set(numbers).isSubset(of: [0, 1, 2, 3, 4, 5, 6, 10]))
        #expect(Set([3, 4, 5]).isSubset(of: Set(numbers)))
    }

    @Test("A program that cannot be executed is status 127, and a user who may not be mapped an error")
    func failures() throws {
        let file = try File.open("/etc/passwd")
        let process = try NamespacedProcess.start(
            file, ["passwd"], environment: [], in: .all,
            descriptors: DescriptorTable())
        var polled = PollSet()
        polled.add(process.pidfd, .read)
        try polled.wait(milliseconds: 10_000)
        #expect(try ProcessFD.reap(process.pidfd) == .exited(127))

        let shell = try File.open("/bin/sh")
        let nobody = NamespacedProcess.User(uid: .max, gid: 0)
        let other = try NamespacedProcess.start(
            shell, ["sh", "-c", "read _"], environment: [], in: .all, descriptors: DescriptorTable())
        defer { other.end() }
        #expect {
            try other.map(nobody)
        } throws: { ($0 as? SystemError)?.object.hasSuffix("/uid_map") == true }
    }
}
