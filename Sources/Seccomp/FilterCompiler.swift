// From a table to a program, through libseccomp.
//
// libseccomp cannot say "and with any other arguments this errno": what no rule of a call matches gets the
// default answer of the whole filter. So a table becomes two filters, each with the default that it needs,
//
//     narrowings (default: allow) ──allow──▶ calls (default: the table's)
//          └── errno                             └── allow, errno, kill
//
// and one program: where the first would return "allow", it jumps to the second.

import CSeccomp
import Glibc
import Linux

enum FilterCompiler {
    static func compile(_ table: FilterTable) throws(FilterFault) -> SeccompProgram {
        let calls = try FilterContext.make(otherwise: table.otherwise)
        for group in table.groups where group.answer != table.otherwise {
            for call in group.calls { try calls.add(call, group.answer) }
        }
        var bytes = try calls.export(table.name)
        if !table.narrowings.isEmpty {
            let narrowed = try FilterContext.make(otherwise: .allow)
            for narrowing in table.narrowings { try narrowed.add(narrowing) }
            bytes = wherever(try narrowed.export(table.name), allows: bytes)
        }
        guard let program = SeccompProgram(instructions: bytes) else {
            throw .malformed(table.name, bytes: bytes.count)
        }
        return program
    }

    /// The second program runs wherever the first would have allowed.
    static func wherever(_ first: [UInt8], allows second: [UInt8]) -> [UInt8] {
        let size = SeccompProgram.bytesPerInstruction
        var joined = first
        for start in stride(from: 0, to: first.count, by: size)
        where first[start..<start + size].elementsEqual(Instruction.bytes(.return, SCMP_ACT_ALLOW)) {
            let left = (first.count - start) / size - 1
            joined.replaceSubrange(start..<start + size, with: Instruction.bytes(.jump, UInt32(left)))
        }
        return joined + second
    }

    /// struct sock_filter: a code of 16 bits, two short jumps that neither of these has, and a word.
    private enum Instruction: UInt16 {
        /// BPF_RET | BPF_K
        case `return` = 0x06
        /// BPF_JMP | BPF_JA: over so many instructions
        case jump = 0x05

        static func bytes(_ code: Instruction, _ word: UInt32) -> [UInt8] {
            var instruction = (code.rawValue, UInt16(0), word)
            return unsafe withUnsafeBytes(of: &instruction) { unsafe Array($0) }
        }
    }
}

/// libseccomp's filter under construction.
/// Safe, because its pointer lives as long as it, and nobody else has it.
@safe private struct FilterContext: ~Copyable {
    private let context: scmp_filter_ctx

    private init(context: scmp_filter_ctx) { unsafe self.context = unsafe context }

    static func make(otherwise: FilterAnswer) throws(FilterFault) -> FilterContext {
        guard let context = unsafe seccomp_init(otherwise.action) else {
            throw .libseccomp("seccomp_init", call: "", .invalid)
        }
        let made = unsafe FilterContext(context: context)
        // The programs of another architecture have other numbers, which nothing here has looked at.
        try made.set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)
        // A binary tree: the default is one comparison after another.
        try made.set(SCMP_FLTATR_CTL_OPTIMIZE, 2)
        return made
    }

    private borrowing func set(_ attribute: scmp_filter_attr, _ value: UInt32) throws(FilterFault) {
        try check("attribute", "\(attribute.rawValue)", unsafe seccomp_attr_set(context, attribute, value))
    }

    deinit { unsafe seccomp_release(context) }

    borrowing func add(_ call: String, _ answer: FilterAnswer) throws(FilterFault) {
        guard let number = KnownCalls.number(of: call) else { return }
        try check(
            "rule", call, unsafe seccomp_rule_add_array(context, answer.action, number, 0, nil))
    }

    borrowing func add(_ narrowing: Narrowing) throws(FilterFault) {
        guard let number = KnownCalls.number(of: narrowing.call) else { return }
        let conditions = narrowing.conditions.map(\.forLibrary)
        try check(
            "rule", narrowing.call,
            unsafe seccomp_rule_add_array(
                context, FilterAnswer.fail(narrowing.errno).action, number, UInt32(conditions.count),
                conditions))
    }

    /// Through a file in memory: the library of Debian 12 cannot export into memory itself.
    borrowing func export(_ name: String) throws(FilterFault) -> [UInt8] {
        do throws(SystemError) {
            let file = try MemoryFile.create("filter")
            let result = unsafe seccomp_export_bpf(context, CInt(file.number))
            guard result == 0 else {
                throw SystemError("seccomp_export_bpf", Errno(rawValue: -result), name)
            }
            return try MemoryFile.contents(of: file)
        } catch {
            throw .file(error)
        }
    }

    private borrowing func check(
        _ step: String, _ call: String, _ result: CInt
    ) throws(FilterFault) {
        guard result == 0 else { throw .libseccomp(step, call: call, Errno(rawValue: -result)) }
    }
}

/// The calls that libseccomp has a name for.
package enum KnownCalls {
    /// Of this architecture; `nil` when it has no such call, or the library does not know it.
    package static func number(of call: String) -> CInt? {
        let number = unsafe seccomp_syscall_resolve_name(call)
        return number >= 0 ? number : nil
    }

    /// Of an architecture by its name: "x86_64", "aarch64".
    package static func all(of architecture: String) -> [String] {
        let token = unsafe seccomp_arch_resolve_name(architecture)
        return (CInt(0)..<1024).compactMap { number in
            guard let name = unsafe seccomp_syscall_resolve_num_arch(token, number) else { return nil }
            defer { unsafe free(name) }
            return unsafe String(cString: name)
        }
    }
}

extension FilterAnswer {
    fileprivate var action: UInt32 {
        switch self {
        case .allow: SCMP_ACT_ALLOW
        case .fail(let errno): cloister_seccomp_errno(errno)
        case .kill: SCMP_ACT_KILL_PROCESS
        }
    }
}

extension Narrowing.Condition {
    fileprivate var forLibrary: scmp_arg_cmp {
        switch comparison {
        case .masked(let mask, let value):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_MASKED_EQ, datum_a: mask, datum_b: value)
        case .above(let value):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_GT, datum_a: value, datum_b: 0)
        }
    }
}
