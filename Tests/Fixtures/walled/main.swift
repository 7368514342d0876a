// Puts itself behind a wall, tries one thing, and says how it ended: `ok`, or the error's name. Tests run it
// because nothing but another process can be behind a wall that is never lifted.

import CLinux
import CProbes
import Glibc
import Linux
import Seccomp

do {
    try run(Array(CommandLine.arguments.dropFirst()))
} catch {
    print("fault: \(error)")
    exit(2)
}

func run(_ words: [String]) throws {
    guard cloister_prctl(PR_SET_NO_NEW_PRIVS, 1, 0) == 0 else { throw Fault("no_new_privs: \(errno)") }
    switch (words.first, words.dropFirst()) {
    case ("landlock", let rest): try tryFiles(Array(rest))
    case ("call", let rest) where rest.count >= 2: try tryCall(Array(rest))
    case ("i386", let rest) where rest.count == 1:
        try load(rest.joined())
        report(cloister_probe_i386() < 0 ? -1 : 0)
    case ("exec", let rest) where rest.count >= 2: try execute(Array(rest))
    case ("sizes", _): try measure()
    default: throw Fault("not understood: \(words)")
    }
}

struct Fault: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

func report(_ result: Int) {
    print(result >= 0 ? "ok" : errorName(errno))
}

/// The kernel's name for the number; "EPERM" can be looked for in a table, "Operation not permitted" cannot.
func errorName(_ number: CInt) -> String {
    guard let name = unsafe strerrorname_np(number) else { return "\(number)" }
    return unsafe String(cString: name)
}

// MARK: Filters

func load(_ names: String) throws {
    if names == "none" { return }
    let filters = try CellFilters.compile()
    for name in names.split(separator: "+") {
        switch name {
        case "program": try filters.program.loadOnThisThread()
        case "door": try filters.door.loadOnThisThread()
        case "initial": try filters.initial.loadOnThisThread()
        default: throw Fault("no filter \(name)")
        }
    }
}

/// A call by its name or its number, with numbers as arguments.
func tryCall(_ words: [String]) throws {
    let numbers = try words.dropFirst(2).map { word in
        guard let number = number(word) else { throw Fault("not a number: \(word)") }
        return number
    }
    guard let call = KnownCalls.number(of: words[1]).map({ Int($0) }) ?? number(words[1]).map({ Int($0) })
    else { throw Fault("no call \(words[1])") }
    let arguments = numbers + Array(repeating: 0, count: 6 - numbers.count)
    // Said at once: what follows may end this process.
    try load(words[0])
    report(unsafe cloister_probe_call(call, arguments))
}

func number(_ word: String) -> UInt? {
    if word.hasPrefix("0x") { return UInt(word.dropFirst(2), radix: 16) }
    return Int(word).map { UInt(bitPattern: $0) }
}

func execute(_ words: [String]) throws {
    var arguments = unsafe words.dropFirst().map { unsafe strdup($0) } + [nil]
    try load(words[0])
    _ = unsafe execv(words[1], &arguments)
    throw Fault("exec \(words[1]): \(errorName(errno))")
}

/// Each filter's size, and how long the kernel takes to load it.
func measure() throws {
    var start = SystemClock.monotonic
    let filters = try CellFilters.compile()
    print("compile all: \(SystemClock.monotonic - start)")
    for (name, filter) in [
        ("program", filters.program), ("door", filters.door), ("initial", filters.initial),
    ] {
        start = SystemClock.monotonic
        let count = 20
        if name == "initial" {
            try filter.loadOnThisThread()
        } else {
            for _ in 0..<count { try filter.loadOnThisThread() }
        }
        let each = (SystemClock.monotonic - start) / (name == "initial" ? 1 : count)
        print("\(name): \(filter.instructionCount) instructions, load \(each)")
    }
}

// MARK: Files

/// `landlock [deny-tcp] ACT PATH [ro:ALLOWED | rw:ALLOWED]…`
func tryFiles(_ words: [String]) throws {
    var words = words[...]
    let denyingTCP = words.first == "deny-tcp"
    if denyingTCP { words.removeFirst() }
    guard words.count >= 2 else { throw Fault("an act and a path are missing") }
    let (act, path) = (words.removeFirst(), words.removeFirst())
    if words.first != "none" {
        let ruleset = try LandlockRuleset(denyingTCP: denyingTCP)
        for word in words {
            let object = try File.open(String(word.dropFirst(3)))
            try ruleset.allow(object, word.hasPrefix("rw:") ? .readWrite : .readOnly)
        }
        try ruleset.restrictSelf()
    }
    try FileAct.perform(act, path)
}
