import Foundation
import TestSupport
import Testing

@testable import Linux

/// Every act is tried behind rules that forbid it, and behind rules that allow it.
@Suite(.enabled(if: Landlock.abi > 0, "this kernel has no Landlock")) struct LandlockTests {
    /// A tree with two directories, `open` and `shut`, each with a file, a program and a directory in it.
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        for part in ["open", "shut"] {
            let path = "\(directory.path)/\(part)"
            try FileManager.default.createDirectory(
                atPath: "\(path)/sub", withIntermediateDirectories: true)
            try Data("text".utf8).write(to: URL(fileURLWithPath: "\(path)/file"))
            try FileManager.default.createSymbolicLink(
                atPath: "\(path)/link", withDestinationPath: "\(directory.path)/shut/file")
            let copied = try Launch("/bin/cp", ["/bin/true", "\(path)/program"]).run()
            #expect(copied.status == .exited(0))
        }
    }

    private func attempt(_ words: String...) throws -> String { try attempt(words) }

    /// `ok` or an error's name; nothing when a program was executed, and ended well.
    private func attempt(_ words: [String]) throws -> String {
        let all = words.map { $0.replacingOccurrences(of: "@", with: directory.path) }
        let end = try Launch(Executable.walled.path, ["landlock"] + all).run()
        return end.status == .exited(0)
            ? end.output.trimmingCharacters(in: .newlines) : "\(end.status): \(end.output)"
    }

    /// The program needs nothing of the system to run; programs that are executed need their libraries.
    private static let system = ["ro:/usr", "ro:/lib", "ro:/lib64"].filter {
        FileManager.default.fileExists(atPath: String($0.dropFirst(3)))
    }

    @Test(
        "An act on files is refused without a rule for it, and done with one",
        arguments: [
            ("read", "file", "rw:@/open", "ro:@/shut"), ("list", "", "rw:@/open", "ro:@/shut"),
            ("write", "file", "ro:@/shut", "rw:@/shut"), ("truncate", "file", "ro:@/shut", "rw:@/shut"),
            ("create", "", "ro:@/shut", "rw:@/shut"), ("directory", "", "ro:@/shut", "rw:@/shut"),
            ("fifo", "", "ro:@/shut", "rw:@/shut"), ("read", "link", "ro:@/open", "ro:@/shut"),
        ])
    func acts(_ act: String, _ name: String, refusing: String, allowing: String) throws {
        let path = "@/shut/\(name)"
        #expect(try attempt(act, path, refusing) == "EACCES")
        #expect(try attempt(act, path, allowing) == "ok")
    }

    @Test("A rule on a file is for that file, whatever more its rights would mean on a directory")
    func files() throws {
        #expect(try attempt("write", "@/shut/file", "rw:@/shut/file") == "ok")
        #expect(try attempt("read", "@/shut/program", "rw:@/shut/file") == "EACCES")
        #expect(try attempt("list", "@/shut", "rw:@/shut/file") == "EACCES")
    }

    @Test("A symbolic link into what is shut opens nothing")
    func links() throws {
        #expect(try attempt("read", "@/open/link", "rw:@/open") == "EACCES")
        #expect(try attempt("read", "@/open/link", "rw:@/open", "ro:@/shut") == "ok")
    }

    @Test("A program is executed where reading is allowed, and nowhere else")
    func executing() throws {
        let refused = try attempt(["execute", "@/shut/program", "rw:@/open"] + Self.system)
        #expect(refused == "EACCES")
        let done = try attempt(["execute", "@/shut/program", "ro:@/shut"] + Self.system)
        #expect(done == "")
    }

    @Test("A file moves between directories only if both may be written", .enabled(if: Landlock.abi >= 2))
    func moving() throws {
        let move = "@/shut/file:@/open/moved"
        #expect(try attempt("rename", move, "rw:@/open", "ro:@/shut") == "EACCES")
        #expect(try attempt("rename", move, "ro:@/open", "rw:@/shut") == "EACCES")
        #expect(try attempt("rename", move, "rw:@/open", "rw:@/shut") == "ok")
    }

    @Test(
        "Devices are made by nobody, rights or not", .enabled(if: geteuid() == 0, "only root makes devices"))
    func devices() throws {
        #expect(try attempt("device", "@/shut", "rw:@/shut") == "EACCES")
        #expect(try attempt("device", "@/shut", "none") == "ok")
    }

    @Test("TCP works, unless it is denied", .enabled(if: Landlock.abi >= 4))
    func tcp() throws {
        #expect(try attempt("tcp", "-", "ro:/usr") == "ok")
        #expect(try attempt("deny-tcp", "tcp", "-", "ro:/usr") == "EACCES")
    }

    @Test("Nobody outside is reached by a signal or an abstract socket", .enabled(if: Landlock.abi >= 6))
    func scopes() throws {
        #expect(try attempt("signal", "\(getpid())", "ro:/usr") == "EPERM")
        #expect(try attempt("signal", "\(getpid())", "none") == "ok")

        let name = "cloister-test-\(getpid())"
        let script =
            "import socket,sys; s=socket.socket(socket.AF_UNIX); s.bind('\\0\(name)'); s.listen(); "
            + "print('up', flush=True); sys.stdin.read()"
        let input = try Linux.Pipe()
        let output = try Linux.Pipe()
        let listener = try Launch("/usr/bin/python3", ["-c", script]).start(
            descriptors: [0: input.reading.number, 1: output.writing.number])
        let said = ByteReader(try output.reading.duplicate())
        #expect(try said.readLine() == Array("up".utf8))
        #expect(try attempt("abstract", name, "ro:/usr") == "EPERM")
        #expect(try attempt("abstract", name, "none") == "ok")
        listener.kill(SIGKILL)
    }

    @Test(
        "A ruleset handles exactly what a kernel of that version knows",
        arguments: [(0, 0), (1, 13), (2, 14), (3, 15), (4, 15), (5, 16), (6, 16), (7, 16), (8, 16)])
    func versions(_ abi: Int, count: Int) {
        #expect(LandlockAccess.known(in: abi).rawValue.nonzeroBitCount == count)
        #expect(LandlockAccess.known(in: abi).isSuperset(of: abi > 0 ? .readOnly : []))
    }
}
