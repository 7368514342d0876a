import CSeccomp

/// One instruction of a filter, as the kernel takes it (struct sock_filter). Jumps lead forward only, over so many
/// instructions.
struct FilterInstruction: Equatable {
    enum Operation: UInt16 {
        /// BPF_LD | BPF_W | BPF_ABS: a word of what is known of the call
        case load = 0x20
        /// BPF_JMP | BPF_JEQ | BPF_K
        case ifEqual = 0x15
        /// BPF_JMP | BPF_JGE | BPF_K
        case ifAtLeast = 0x35
        /// BPF_JMP | BPF_JA
        case jump = 0x05
        /// BPF_RET | BPF_K
        case `return` = 0x06
    }

    let operation: Operation
    var whenTrue: UInt8 = 0
    var whenFalse: UInt8 = 0
    let word: UInt32

    static let longestConditionalJump = 255

    /// Where the kernel has the number of the call, and the architecture that it is of.
    static let placeOfNumber: UInt32 = 0
    static let placeOfArchitecture: UInt32 = 4

    var bytes: [UInt8] {
        var instruction = (operation.rawValue, whenTrue, whenFalse, word)
        return unsafe withUnsafeBytes(of: &instruction) { unsafe Array($0) }
    }
}
