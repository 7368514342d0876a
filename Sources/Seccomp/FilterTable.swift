// A system call filter as a table that can be read: groups of calls by name, each with its answer and the
// reason, and narrowings, which refuse an allowed call because of its arguments.
//
// Whatever no group names is answered ENOSYS, as by a kernel that does not have the call yet, so that libraries
// fall back to what they did before. The tables are complete: a test holds them against every call that
// libseccomp knows, so a call is missing only when it is newer than the list. Therefore
//   - a call that somebody looked at and refused is EPERM, or the errno of its group,
//   - a call that is newer than the list is ENOSYS,
//   - a call of another architecture (i386 or x32 on a 64-bit system) ends the process.
//
// Names that the library or the architecture does not have are passed over.

/// What a call is answered.
package enum FilterAnswer: Hashable, Sendable {
    case allow
    case fail(CInt)
    /// The whole process, by SIGSYS.
    case kill
}

package struct CallGroup: Sendable {
    package let why: String
    package let answer: FilterAnswer
    package let calls: [String]

    init(_ answer: FilterAnswer, _ why: String, _ calls: String) {
        self.why = why
        self.answer = answer
        self.calls = calls.split(whereSeparator: \.isWhitespace).map(String.init)
    }
}

/// Arguments with which a call is refused, although its group allows it. All conditions must hold.
package struct Narrowing: Sendable {
    package let call: String
    package let errno: CInt
    package let conditions: [Condition]

    init(_ call: String, _ errno: CInt, _ conditions: Condition...) {
        self.call = call
        self.errno = errno
        self.conditions = conditions
    }

    package struct Condition: Sendable {
        package let argument: UInt32
        package let comparison: Comparison
    }

    package enum Comparison: Sendable {
        /// Of the bits of the mask, exactly these are set.
        case masked(UInt64, equals: UInt64)
        /// Of all 64 bits.
        case above(UInt64)
    }
}

extension Narrowing.Condition {
    /// The kernel takes the argument as an `int`: whatever stands above 32 bits it does not see, and a
    /// comparison that saw it could be dodged.
    static func int(_ argument: UInt32, is value: UInt32) -> Self {
        bits(argument, .max, are: value)
    }

    static func bits(_ argument: UInt32, _ mask: UInt32, are value: UInt32) -> Self {
        Self(argument: argument, comparison: .masked(UInt64(mask), equals: UInt64(value)))
    }

    /// Also true of anything that stands above 32 bits.
    static func above(_ argument: UInt32, _ value: UInt64) -> Self {
        Self(argument: argument, comparison: .above(value))
    }
}

package struct FilterTable: Sendable {
    package let name: String
    /// Of calls that no group names.
    package let otherwise: FilterAnswer
    package let groups: [CallGroup]
    package let narrowings: [Narrowing]

    package func answer(to call: String) -> FilterAnswer? {
        groups.first { $0.calls.contains(call) }?.answer
    }
}
