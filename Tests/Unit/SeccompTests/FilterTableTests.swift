import Glibc
import Linux
import TestSupport
import Testing

@testable import Seccomp

@Suite struct FilterTableTests {
    /// Newer than the library of Debian 12; the tables have them for the day when it knows them.
    static let newerThanLibrary: Set = [
        "statmount", "listmount", "lsm_get_self_attr", "lsm_set_self_attr", "lsm_list_modules", "mseal",
        "setxattrat", "getxattrat", "listxattrat", "removexattrat", "open_tree_attr",
    ]

    @Test(
        "Every call that libseccomp knows has an answer, on every architecture",
        arguments: [ProgramFilter.table, InitFilter.table], ["x86_64", "aarch64"])
    func complete(_ table: FilterTable, _ architecture: String) {
        let named = Set(table.groups.flatMap(\.calls))
        #expect(Set(KnownCalls.all(of: architecture)).subtracting(named) == [])
    }

    @Test(
        "No name is misspelt, and none has two answers", arguments: [ProgramFilter.table, InitFilter.table])
    func names(_ table: FilterTable) {
        let calls = table.groups.flatMap(\.calls)
        #expect(Set(calls).count == calls.count)
        let known = Set(["x86_64", "aarch64"].flatMap(KnownCalls.all))
        #expect(known.count > 350)
        #expect(Set(calls).subtracting(known).subtracting(Self.newerThanLibrary) == [])
        for narrowing in table.narrowings { #expect(table.answer(to: narrowing.call) == .allow) }
    }

    @Test("Process 1 may do nothing that programs may not")
    func narrower() {
        for group in InitFilter.table.groups where group.answer == .allow {
            for call in group.calls { #expect(ProgramFilter.table.answer(to: call) == .allow, "\(call)") }
        }
    }

    @Test("The compiled filters are what a kernel takes, and the same every time")
    func compiled() throws {
        let filters = try CellFilters.compile()
        #expect(try CellFilters.compile() == filters)
        #expect((300..<1200).contains(filters.program.instructionCount))
        #expect(filters.door.instructionCount < 16)
        #expect(filters.initial.instructionCount < filters.program.instructionCount)
    }

    @Test("Where the first program allows, the second decides")
    func joined() {
        let (allow, fail): ([UInt8], [UInt8]) = ([6, 0, 0, 0, 0, 0, 0xFF, 0x7F], [6, 0, 0, 0, 1, 0, 5, 0])
        let first = allow + fail + allow
        let joined = FilterCompiler.wherever(first, allows: fail)
        #expect(joined == [5, 0, 0, 0, 2, 0, 0, 0] + fail + [5, 0, 0, 0, 0, 0, 0, 0] + fail)
    }

    @Test("Bytes that cannot be a filter are none", arguments: [0, 7, 9, 4097 * 8])
    func malformed(_ count: Int) {
        #expect(SeccompProgram(instructions: Array(repeating: 0, count: count)) == nil)
        #expect(SeccompProgram(instructions: Array(repeating: 0, count: 4096 * 8)) != nil)
    }

    @Test("Without no_new_privs, or with nonsense, the kernel refuses")
    func nonsense() {
        let program = SeccompProgram(instructions: Array(repeating: 0xFF, count: 8))
        #expect { try program?.loadOnThisThread() } throws: { error in
            [EINVAL, EACCES].contains((error as? SystemError)?.errno.rawValue)
        }
    }
}

extension FilterTable: CustomTestStringConvertible {
    public var testDescription: String { name }
}
