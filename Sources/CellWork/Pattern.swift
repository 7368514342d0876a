// What a search looks for: a regular expression of PCRE2, or a text.
//
// Input is bytes: what is not UTF-8 matches nothing and disturbs nothing. A pattern can be costly, by mistake
// or on purpose; what one attempt may take is limited in backtracking, depth and memory, and PCRE2 ends it
// then (`tooCostly`). It is compiled to machine code where the kernel lets a process do that, and interpreted
// otherwise, under the same limits.

import CPCRE2
import Cells

/// Safe: what it owns is made and freed here, and handed to nobody.
@safe struct Pattern: ~Copyable {
    // Backtracking steps at one place of the text: some milliseconds.
    private static let mostSteps: UInt32 = 250_000
    private static let mostDepth: UInt32 = 10_000
    private static let mostKilobytes: UInt32 = 16 << 10
    private static let mostStack = 1 << 20

    enum Outcome: Equatable {
        case match(Range<Int>)
        case none
        case tooCostly
    }

    private let code: OpaquePointer
    private let data: OpaquePointer
    private let context: OpaquePointer
    private let stack: OpaquePointer?

    init(_ text: String, isLiteral: Bool, ignoreCase: Bool) throws(CellFailure) {
        var options = UInt32(PCRE2_UTF) | PCRE2_MATCH_INVALID_UTF
        if ignoreCase { options |= UInt32(PCRE2_CASELESS) }
        if isLiteral {
            options |= PCRE2_LITERAL
        } else {
            options |= UInt32(PCRE2_MULTILINE) | UInt32(PCRE2_NEVER_BACKSLASH_C)
        }
        let compiling = unsafe pcre2_compile_context_create_8(nil)
        defer { unsafe pcre2_compile_context_free_8(compiling) }
        unsafe pcre2_set_newline_8(compiling, UInt32(PCRE2_NEWLINE_LF))
        unsafe pcre2_set_parens_nest_limit_8(compiling, 100)

        var number: CInt = 0
        var offset = 0
        let bytes = Array(text.utf8)
        let compiled = unsafe bytes.withUnsafeBufferPointer {
            unsafe pcre2_compile_8($0.baseAddress, $0.count, options, &number, &offset, compiling)
        }
        guard let compiled = unsafe compiled else { throw Self.fault(text, number, offset) }
        unsafe code = compiled
        _ = unsafe pcre2_jit_compile_8(compiled, UInt32(PCRE2_JIT_COMPLETE))
        // Memory for these is the only thing they need, and that does not fail.
        unsafe data = pcre2_match_data_create_8(1, nil)!
        unsafe context = pcre2_match_context_create_8(nil)!
        unsafe stack = pcre2_jit_stack_create_8(32 << 10, Self.mostStack, nil)
        unsafe pcre2_set_match_limit_8(context, Self.mostSteps)
        unsafe pcre2_set_depth_limit_8(context, Self.mostDepth)
        unsafe pcre2_set_heap_limit_8(context, Self.mostKilobytes)
        unsafe pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack))
    }

    deinit {
        unsafe pcre2_jit_stack_free_8(stack)
        unsafe pcre2_match_context_free_8(context)
        unsafe pcre2_match_data_free_8(data)
        unsafe pcre2_code_free_8(code)
    }

    private static func fault(_ text: String, _ number: CInt, _ offset: Int) -> CellFailure {
        var message = [UInt8](repeating: 0, count: 256)
        let count = unsafe message.withUnsafeMutableBufferPointer {
            unsafe pcre2_get_error_message_8(number, $0.baseAddress, $0.count)
        }
        let problem = String(decoding: message.prefix(max(0, Int(count))), as: UTF8.self)
        return CellFailure(
            .badPattern, "The pattern \(text) cannot be used: at its byte \(offset + 1), \(problem).")
    }

    /// The first match that begins at or behind `start`.
    func first(in text: UnsafeRawBufferPointer, from start: Int) -> Outcome {
        let bytes = unsafe text.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let count = unsafe pcre2_match_8(code, bytes, text.count, start, 0, data, context)
        if count == PCRE2_ERROR_NOMATCH { return .none }
        // Every other error is about a limit: bytes that are not UTF-8 are none here.
        guard count >= 0, let ends = unsafe pcre2_get_ovector_pointer_8(data) else { return .tooCostly }
        // \K in a lookahead can put the end before the start.
        let (low, high) = unsafe (Int(ends[0]), Int(ends[1]))
        return .match(low..<max(low, high))
    }
}
