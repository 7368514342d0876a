// The answers to all calls as one program: a search for the range of numbers that a call lies in, by halves.
//
//     architecture? ──another──▶ kill
//          └── number ≥ 128? ─┬─ number ≥ 200? ─┬─ …        neighbours with one answer are one range,
//                             └─ number ≥ 64?  ─┴─ …        and an answer stands once, as far as a jump reaches
//
// The kernel compiles each filter anew in each cell, and tries all numbers with it: libseccomp's tree, which has a
// comparison for every call, takes twice as long as this one, while somebody waits for the cell.

import CSeccomp
import Glibc

struct CallTree {
    /// From its first number to the next one's.
    struct Range: Equatable {
        let first: UInt32
        let answer: FilterAnswer
    }

    static func bytes(_ table: FilterTable) -> [UInt8] {
        var tree = CallTree()
        tree.build(ranges(table))
        return tree.reversed.reversed().flatMap(\.bytes)
    }

    // MARK: Ranges

    /// Calls of x86-64 with 32-bit pointers begin here; they are of another architecture, with numbers which nothing has
    /// looked at. Elsewhere nothing is so high.
    private static let otherPointers: UInt32 = 0x4000_0000
    /// What a call becomes whose number a tracer took away.
    private static let noCall = UInt32.max

    static func ranges(_ table: FilterTable) -> [Range] {
        var answers: [UInt32: FilterAnswer] = [:]
        for group in table.groups {
            for call in group.calls {
                if let number = KnownCalls.number(of: call) { answers[UInt32(number)] = group.answer }
            }
        }
        var ranges: [Range] = []
        func add(_ first: UInt32, _ answer: FilterAnswer) {
            if ranges.last?.answer != answer { ranges.append(Range(first: first, answer: answer)) }
        }
        for number in 0...(answers.keys.max() ?? 0) { add(number, answers[number] ?? table.otherwise) }
        add((answers.keys.max() ?? 0) + 1, table.otherwise)
        add(otherPointers, .kill)
        add(noCall, table.otherwise)
        return ranges
    }

    // MARK: Instructions

    /// From the last to the first: jumps lead forward, to what is there already.
    private var reversed: [FilterInstruction] = []
    /// How many instructions there were with the last of each answer.
    private var answers: [FilterAnswer: Int] = [:]

    private mutating func build(_ ranges: [Range]) {
        _ = search(ranges[...])
        _ = append(.load, FilterInstruction.placeOfNumber)
        let known = reversed.count
        let unknown = append(.return, FilterAnswer.kill.action)
        append(.ifEqual, seccomp_arch_native(), known, unknown)
        _ = append(.load, FilterInstruction.placeOfArchitecture)
    }

    /// Where it begins, as a count of instructions from the end.
    private mutating func search(_ ranges: ArraySlice<Range>) -> Int {
        guard ranges.count > 1 else { return answer(ranges[ranges.startIndex].answer) }
        let middle = ranges.startIndex + (ranges.count + 1) / 2
        var upper = search(ranges[middle...])
        var lower = search(ranges[..<middle])
        // A jump without a condition leads as far as it likes.
        if !isInReach(upper, behind: 1) { upper = append(.jump, UInt32(reversed.count - upper)) }
        if !isInReach(lower) { lower = append(.jump, UInt32(reversed.count - lower)) }
        append(.ifAtLeast, ranges[middle].first, upper, lower)
        return reversed.count
    }

    private mutating func answer(_ answer: FilterAnswer) -> Int {
        if let place = answers[answer], isInReach(place, behind: 1) { return place }
        let place = append(.return, answer.action)
        answers[answer] = place
        return place
    }

    /// From an instruction with a condition that comes next, or with so many others in between.
    private func isInReach(_ place: Int, behind others: Int = 0) -> Bool {
        reversed.count + others - place <= FilterInstruction.longestConditionalJump
    }

    private mutating func append(_ operation: FilterInstruction.Operation, _ word: UInt32) -> Int {
        reversed.append(FilterInstruction(operation: operation, word: word))
        return reversed.count
    }

    private mutating func append(
        _ operation: FilterInstruction.Operation, _ word: UInt32, _ whenTrue: Int, _ whenFalse: Int
    ) {
        reversed.append(
            FilterInstruction(
                operation: operation, whenTrue: UInt8(reversed.count - whenTrue),
                whenFalse: UInt8(reversed.count - whenFalse), word: word))
    }
}

extension FilterAnswer {
    var action: UInt32 {
        switch self {
        case .allow: SCMP_ACT_ALLOW
        case .fail(let errno): cloister_seccomp_errno(errno)
        case .kill: SCMP_ACT_KILL_PROCESS
        }
    }
}
