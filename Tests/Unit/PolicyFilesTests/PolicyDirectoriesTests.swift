import Foundation
import Glibc
import Linux
import Policy
import TestSupport
import Testing

@testable import PolicyFiles

/// Which files count, and which are not believed.
@Suite struct PolicyDirectoriesTests {
    let directory: TemporaryDirectory
    let directories: PolicyDirectories

    init() throws {
        directory = try TemporaryDirectory()
        let places = ["etc", "run", "lib"].map { [directory] in directory.path + "/" + $0 }
        for place in places {
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        }
        // Whoever runs the tests stands for root.
        directories = PolicyDirectories(places: places, owner: getuid(), builtIn: nil)
    }

    private func write(_ path: String, _ text: String, mode: mode_t = 0o644) throws {
        let whole = directory.path + "/" + path
        try text.write(toFile: whole, atomically: false, encoding: .utf8)
        try #require(unsafe chmod(whole, mode) == 0)
    }

    private func block(_ name: String) -> String { "clients: [{name: \(name)}]" }

    private var reading: PolicyDirectories.Reading { directories.read(at: Moment(seconds: 0, utcOffset: 0)) }
    private var names: [String]? { reading.set?.clients.map(\.name) }

    @Test("Of files of one name the strongest place's is read, and all other names add up")
    func override() throws {
        try write("lib/10-a.yaml", block("vendor"))
        try write("lib/20-b.yaml", block("other"))
        #expect(names == ["other", "vendor"])
        try write("run/10-a.yaml", block("runtime"))
        #expect(names == ["other", "runtime"])
        try write("etc/10-a.yaml", block("administrator"))
        #expect(names == ["administrator", "other"])
        #expect(reading.files == ["etc/10-a.yaml", "lib/20-b.yaml"].map { directory.path + "/" + $0 })
    }

    @Test("A link to /dev/null, or an empty file, takes those below away")
    func masks() throws {
        try write("lib/10-a.yaml", block("vendor"))
        try write("etc/10-a.yaml", "")
        #expect(names == [])
        try FileManager.default.removeItem(atPath: directory.path + "/etc/10-a.yaml")
        try FileManager.default.createSymbolicLink(
            atPath: directory.path + "/etc/10-a.yaml", withDestinationPath: "/dev/null")
        #expect(names == [])
    }

    @Test(
        "What is no policy file is not read", arguments: ["10-a.yml", ".hidden.yaml", "10-a.yaml~", "README"])
    func others(name: String) throws {
        try write("etc/" + name, "this is: [not a policy")
        #expect(names == [])
    }

    @Test("Places that are not there are empty")
    func absent() throws {
        let nowhere = PolicyDirectories(places: [directory.path + "/x"], owner: nil, builtIn: nil)
        #expect(nowhere.read(at: Moment(seconds: 0, utcOffset: 0)).set?.clients.isEmpty == true)
    }

    @Test("A file that others could change is refused", arguments: [0o666, 0o664, 0o646] as [mode_t])
    func writable(mode: mode_t) throws {
        try write("etc/10-a.yaml", block("a"), mode: mode)
        let reading = reading
        #expect(reading.set == nil)
        #expect(
            reading.faults.map(\.problem) == [
                "others than its owner could change it: chown to yourself and chmod go-w"
            ])
    }

    @Test("So is a file of somebody else, even behind a link, and a place in which others could put one")
    func strangers() throws {
        try #require(getuid() == 0, "files can be given away by root alone")
        try write("etc/10-a.yaml", block("a"))
        try write("elsewhere", block("a"))
        let elsewhere = directory.path + "/elsewhere"
        try FileManager.default.createSymbolicLink(
            atPath: directory.path + "/etc/20-b.yaml", withDestinationPath: elsewhere)
        #expect(reading.set == nil && reading.faults.count == 1)
        try write("elsewhere", block("b"))
        #expect(names == ["a", "b"])
        try #require(unsafe chown(elsewhere, 4711, 4711) == 0)
        #expect(reading.faults.first?.problem.hasPrefix("others than its owner") == true)
        try FileManager.default.removeItem(atPath: directory.path + "/etc/20-b.yaml")
        try #require(unsafe chmod(directory.path + "/etc", 0o777) == 0)
        #expect(reading.faults.first?.file == directory.path + "/etc")
    }

    @Test("A pipe, a directory and a link that leads nowhere do not hang anybody")
    func odd() throws {
        try #require(unsafe mkfifo(directory.path + "/etc/10-a.yaml", 0o644) == 0)
        #expect(reading.faults.map(\.problem) == ["it is not a file"])
        try FileManager.default.removeItem(atPath: directory.path + "/etc/10-a.yaml")
        try FileManager.default.createDirectory(
            atPath: directory.path + "/etc/10-a.yaml", withIntermediateDirectories: false)
        #expect(reading.faults.map(\.problem) == ["it is not a file"])
        try FileManager.default.removeItem(atPath: directory.path + "/etc/10-a.yaml")
        try FileManager.default.createSymbolicLink(
            atPath: directory.path + "/etc/10-a.yaml", withDestinationPath: "/nowhere")
        #expect(reading.faults.first?.problem.hasPrefix("it cannot be read") == true)
    }

    @Test("All faults of all files are told, with their places, and no policy comes of it")
    func faults() throws {
        try write("etc/10-a.yaml", "clients: 1")
        try write("etc/20-b.yaml", "nonsense: 1")
        try write("etc/30-c.yaml", block("c"))
        let reading = reading
        #expect(reading.set == nil)
        #expect(reading.faults.map(\.place?.line) == [1, 1])
    }

    @Test("A policy that does not say what its files expect is not accepted")
    func expectations() throws {
        try write("etc/10-a.yaml", "expect: [{permission: TOOL, name: x, verdict: allow}]")
        #expect(reading.set == nil)
        #expect(reading.faults.first?.problem.contains("is expected to be allow") == true)
    }
}

/// What is shipped says what its comments promise.
@Suite struct ShippedPolicyTests {
    static let shipped = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../policy.d").standardizedFileURL

    @Test("The built-in policy is the shipped one")
    func same() throws {
        let file = try String(contentsOf: Self.shipped.appending(path: VendorPolicy.name), encoding: .utf8)
        #expect(file == VendorPolicy.text + "\n")
    }

    @Test(
        "The default gives the workspace and the system's programs, and nothing of anybody's",
        arguments: [
            (Need.tool("read_file"), "allow"), (.path(.fileRead, "/workspace/notes"), "allow"),
            (.path(.fileWrite, "/workspace/notes"), "allow"), (.path(.fileRead, "/home/alice/notes"), "deny"),
            (.path(.fileWriteGlobal, "/etc/passwd"), "deny"), (.program("python3"), "allow"),
            (Need(.systemCommand, .command(["ls"])), "deny"),
            (Need(.codeExecutionSudo, .command(["ls"])), "deny"),
            (Need(.network, .name("example.org")), "deny"),
        ])
    func vendor(need: Need, verdict: String) throws {
        let set = try PolicySet([PolicyFile.read(Array(VendorPolicy.text.utf8), named: VendorPolicy.name)])
        let moment = Moment(seconds: 0, utcOffset: 0)
        #expect(set.policy(for: ClientFacts(uid: 1000)).decide(need, at: moment).verdict.word == verdict)
    }

    @Test(
        "Every example holds what it expects, on top of the default",
        arguments: ["coding-assistant", "read-only-assistant", "kiosk", "ci-agent", "operations-assistant"])
    func examples(name: String) throws {
        let bytes = try Data(contentsOf: Self.shipped.appending(path: "examples/\(name).yaml"))
        let files = [
            try PolicyFile.read(Array(VendorPolicy.text.utf8), named: VendorPolicy.name),
            try PolicyFile.read(Array(bytes), named: name),
        ]
        let set = try PolicySet(files)
        #expect(set.expectations.count > files[0].expectations.count)
        #expect(set.brokenExpectations(at: Moment(seconds: 1_795_003_200, utcOffset: 0)) == [])
    }
}
