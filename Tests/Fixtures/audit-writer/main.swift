// Writes audit records as a daemon does, for tests that kill it, fill its disk, or measure it.
//
//   audit-writer DIR endless            one after the other, the place of each on standard output once it is written
//   audit-writer DIR full BALLAST       until the disk is full; then BALLAST is removed, and it goes on
//   audit-writer DIR bench COUNT [SOCKET]

import Audit
import Glibc
import Linux

func call(_ number: Int) -> AuditRecord {
    var client = AuditClient(session: 7, uid: 1000, pid: 4711)
    client.user = "alice"
    client.executable = "/usr/share/code/code"
    client.unit = "app-code-1234.scope"
    client.claims.name = "Claude Code"
    var call = AuditCall(
        tool: "read_file", arguments: RecordedArguments(nil), verdict: .allow, outcome: .succeeded,
        bytes: number, durationMicroseconds: 1234)
    call.needs = [.init("TOOL", "read_file"), .init("FILE_READ", "/home/alice/projects/a.c")]
    call.rule = "/etc/cloister/policy.d/50-site.yaml:12"
    return AuditRecord(.call(call), of: client)
}

func say(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    guard unsafe write(1, bytes, bytes.count) == bytes.count else { exit(1) }
}

func endless(_ directory: AuditDirectory) throws {
    var settings = AuditLog.Settings()
    settings.file = AuditFile.Settings(rotateBytes: 64 << 10, keep: 1_000_000)
    settings.checkpointRecords = 20
    let log = try AuditLog(in: directory, settings, start: AuditStart(version: "1.0.0"))
    var number = 0
    while true {
        number += 1
        try log.write(call(number))
        say(log.last.description)
    }
}

/// Prints what happened; the test knows what should.
func full(_ directory: AuditDirectory, ballast: String) throws {
    var settings = AuditLog.Settings()
    settings.mostWaiting = 8
    let log = try AuditLog(in: directory, settings, start: AuditStart(version: "1.0.0"))
    var number = 0
    do throws(AuditFault) {
        while true {
            number += 1
            try log.write(call(number))
        }
    } catch {
        say(
            "full: \(error); in file: \(error.isInFile); writable: \(log.isWritable); calls: \(log.allowsCalls)"
        )
    }
    let end = try File.open(directory.file(1)).status().size
    let last = try File.open(directory.file(1)).readBytes(1, at: end - 1)
    say("ends with a whole line: \(last == [0x0A])")
    // Seven that fit with the one that failed, and three that do not.
    for _ in 0..<10 {
        number += 1
        try? log.write(call(number))
    }
    say("lost: \(log.counts.lost)")
    try File.remove(ballast)
    number += 1
    try? log.tick()
    say("writable: \(log.isWritable)")
    try log.write(call(number))
    try log.close(AuditStop(reason: "test"))
    say("records: \(number)")
}

func bench(_ directory: AuditDirectory, count: Int, journal: String?, sync: AuditFile.Sync) throws {
    var settings = AuditLog.Settings()
    settings.journal = journal
    settings.file.sync = sync
    // A journal that is slower than we are is no reason to stop measuring.
    settings.isRequired = false
    let log = try AuditLog(in: directory, settings, start: AuditStart(version: "1.0.0"))
    let begin = SystemClock.monotonic
    for number in 0..<count { try log.write(call(number)) }
    let time = SystemClock.monotonic - begin
    let failures = log.counts.failures
    say("\(Int(time / .nanoseconds(1)) / count) ns a record, sync \(sync.rawValue), \(failures) not at once")
}

let words = CommandLine.arguments
Signals.ignoreFileLimit()
do {
    let directory = AuditDirectory(words.count > 1 ? words[1] : "")
    switch words.dropFirst(2).first {
    case "endless": try endless(directory)
    case "full" where words.count == 4: try full(directory, ballast: words[3])
    case "bench" where words.count >= 4:
        let sync = words.count > 5 ? AuditFile.Sync(rawValue: words[5]) : nil
        try bench(
            directory, count: Int(words[3]) ?? 1000,
            journal: words.count > 4 && words[4] != "-" ? words[4] : nil, sync: sync ?? .never)
    default:
        StandardError.write("usage: audit-writer DIR endless|full BALLAST|bench COUNT [SOCKET|-] [SYNC]\n")
        exit(2)
    }
} catch {
    StandardError.write("audit-writer: \(error)\n")
    exit(1)
}
