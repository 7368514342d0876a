import CSeccomp
import Glibc
import Testing

@testable import Seccomp

/// What the kernel would do with a filter, for as much of its language as a filter of calls uses.
private func answer(_ program: [UInt8], to number: UInt32, of architecture: UInt32) throws -> UInt32 {
    let instructions = stride(from: 0, to: program.count, by: 8).map { start in
        let bytes = program[start..<start + 8].map { UInt32($0) }
        return (
            code: UInt16(bytes[0] | bytes[1] << 8), yes: Int(bytes[2]), no: Int(bytes[3]),
            word: bytes[4] | bytes[5] << 8 | bytes[6] << 16 | bytes[7] << 24
        )
    }
    var (place, word) = (0, UInt32(0))
    while place < instructions.count {
        let each = instructions[place]
        place += 1
        switch try #require(FilterInstruction.Operation(rawValue: each.code)) {
        case .load: word = each.word == FilterInstruction.placeOfNumber ? number : architecture
        case .ifEqual: place += word == each.word ? each.yes : each.no
        case .ifAtLeast: place += word >= each.word ? each.yes : each.no
        case .jump: place += Int(each.word)
        case .return: return each.word
        }
    }
    Issue.record("the program has no end for \(number)")
    return 0
}

@Suite struct CallTreeTests {
    static let tables = [ProgramFilter.table, InitFilter.table, DoorFilter.table]
    static let native = seccomp_arch_native()

    @Test(
        "Every number gets the answer of its call, and one without a call that of the rest", arguments: tables
    )
    func answers(_ table: FilterTable) throws {
        var names: [UInt32: String] = [:]
        for call in table.groups.flatMap(\.calls) {
            if let number = KnownCalls.number(of: call) { names[UInt32(number)] = call }
        }
        let program = CallTree.bytes(table)
        for number in Array(0...2048) + [0x3FFF_FFFF, UInt32.max] {
            let wanted = names[number].flatMap(table.answer) ?? table.otherwise
            #expect(try answer(program, to: number, of: Self.native) == wanted.action, "\(number)")
        }
    }

    @Test("A call of another architecture ends the process", arguments: tables)
    func foreign(_ table: FilterTable) throws {
        let program = CallTree.bytes(table)
        for number: UInt32 in [0x4000_0000, 0x4000_0001, 0x7FFF_FFFF, .max - 1] {
            #expect(try answer(program, to: number, of: Self.native) == SCMP_ACT_KILL_PROCESS)
        }
        for number: UInt32 in [0, 1, 59, .max] {
            #expect(try answer(program, to: number, of: 0x4000_0003) == SCMP_ACT_KILL_PROCESS)
        }
    }

    /// A conditional jump reaches over 255 instructions: from there on answers stand more than once, and a jump without a
    /// condition leads on.
    @Test("A table of any size is a program", arguments: [1, 2, 3, 130, 300, 420])
    func large(_ count: Int) throws {
        let known = KnownCalls.all(of: "x86_64").compactMap { name in
            KnownCalls.number(of: name).map { (name, UInt32($0)) }
        }
        // No two neighbours have one answer.
        let some = known.sorted { $0.1 < $1.1 }.prefix(count)
        let groups = some.enumerated().map { place, call in
            CallGroup(.fail(CInt(1 + place % 40)), "", call.0)
        }
        let table = FilterTable(name: "large", otherwise: .allow, groups: groups, narrowings: [])
        let program = CallTree.bytes(table)
        for (name, number) in known {
            let wanted = table.answer(to: name) ?? .allow
            #expect(try answer(program, to: number, of: Self.native) == wanted.action, "\(name)")
        }
    }
}
