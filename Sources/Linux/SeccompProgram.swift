import CLinux
import Glibc

/// A compiled system call filter, as the kernel takes it: instructions of 8 bytes.
package struct SeccompProgram: Equatable, Sendable {
    package static let bytesPerInstruction = 8
    package static let mostInstructions = Int(cloister_most_filter_instructions)

    package let instructions: [UInt8]

    /// Nothing, unless the bytes are as many as a filter can have. That they mean something, the kernel checks.
    package init?(instructions: [UInt8]) {
        let (count, rest) = instructions.count.quotientAndRemainder(dividingBy: Self.bytesPerInstruction)
        guard rest == 0, 1...Self.mostInstructions ~= count else { return nil }
        self.instructions = instructions
    }

    package var instructionCount: Int { instructions.count / Self.bytesPerInstruction }

    /// For this thread and everything that it starts, from now on, and on top of the filters that it has.
    /// Needs `no_new_privs`.
    package func loadOnThisThread() throws(SystemError) {
        try systemCall("seccomp") {
            unsafe cloister_seccomp_load(instructions, UInt16(instructionCount))
        }
    }
}
