import CLinux
import Glibc

/// The capabilities of this thread, which is the only one of its process.
package enum Capabilities {
    package struct Sets: Equatable, Sendable {
        package var effective: UInt64 = 0
        package var permitted: UInt64 = 0
        package var inheritable: UInt64 = 0
        package var bounding: UInt64 = 0
        package var ambient: UInt64 = 0

        package var isEmpty: Bool { self == Sets() }
    }

    private static var last: Int {
        (0..<64).last { cloister_prctl(PR_CAPBSET_READ, UInt($0), 0) >= 0 } ?? -1
    }

    package static func read() throws(SystemError) -> Sets {
        var sets = try readOwn()
        for capability in 0..<(last + 1) {
            let number = UInt(capability)
            if cloister_prctl(PR_CAPBSET_READ, number, 0) == 1 { sets.bounding |= 1 << number }
            if cloister_prctl(PR_CAP_AMBIENT, UInt(PR_CAP_AMBIENT_IS_SET), number) == 1 {
                sets.ambient |= 1 << number
            }
        }
        return sets
    }

    /// Without the bounding and the ambient set, each of which takes a call for every capability.
    private static func readOwn() throws(SystemError) -> Sets {
        var sets = Sets()
        try systemCall("capget") {
            unsafe cloister_get_capabilities(&sets.effective, &sets.permitted, &sets.inheritable)
        }
        return sets
    }

    /// All that are permitted become effective.
    package static func raisePermitted() throws(SystemError) {
        let sets = try readOwn()
        try systemCall("capset") {
            cloister_set_capabilities(sets.permitted, sets.permitted, sets.inheritable)
        }
    }

    // SECBIT_NOROOT, SECBIT_NO_SETUID_FIXUP, SECBIT_NO_CAP_AMBIENT_RAISE, with the lock of each; and the lock
    // of SECBIT_KEEP_CAPS, which stays off.
    package static let lockedBits: CInt = 0b1110_1111

    /// None in any set, for good: no exec, no change of user brings one back.
    package static func dropAll() throws(SystemError) {
        // Both need a capability, so before they are gone.
        for capability in 0..<(last + 1) {
            try systemCall("prctl", on: "PR_CAPBSET_DROP") {
                cloister_prctl(PR_CAPBSET_DROP, UInt(capability), 0)
            }
        }
        try systemCall("prctl", on: "PR_SET_SECUREBITS") {
            cloister_prctl(PR_SET_SECUREBITS, UInt(lockedBits), 0)
        }
        try clear()
    }

    /// None in any set that counts, for somebody who starts nothing: to lose the others needs one.
    package static func clear() throws(SystemError) {
        try systemCall("prctl", on: "PR_CAP_AMBIENT") {
            cloister_prctl(PR_CAP_AMBIENT, UInt(PR_CAP_AMBIENT_CLEAR_ALL), 0)
        }
        try systemCall("capset") { cloister_set_capabilities(0, 0, 0) }
    }

    package static func securityBits() throws(SystemError) -> CInt {
        try systemCall("prctl", on: "PR_GET_SECUREBITS") { cloister_prctl(PR_GET_SECUREBITS, 0, 0) }
    }
}
