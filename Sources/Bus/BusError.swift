import Glibc
import Linux

/// Why a call on the bus has no answer.
package enum BusError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the other side, or the bus in its place, answered.
    case refused(name: String, message: String)
    /// Nobody listens at the bus's address, or nobody who speaks its language.
    case unreachable(String)
    /// The connection ended before the answer came.
    case lost
    case timedOut
    /// The task that called was cancelled.
    case cancelled
    /// Something that cannot be said on the bus, or an answer that is not what it should be.
    case malformed(String)

    /// As errors are named on the bus.
    package var name: String {
        switch self {
        case .refused(let name, _): name
        case .unreachable: "org.freedesktop.DBus.Error.NoServer"
        case .lost: "org.freedesktop.DBus.Error.Disconnected"
        case .timedOut: "org.freedesktop.DBus.Error.Timeout"
        case .cancelled: "org.cloister.Error.Cancelled"
        case .malformed: "org.freedesktop.DBus.Error.InvalidSignature"
        }
    }

    package var message: String {
        switch self {
        case .refused(_, let message): message
        case .unreachable(let reason): "the bus cannot be reached: \(reason)"
        case .lost: "the connection to the bus was lost"
        case .timedOut: "no answer came in time"
        case .cancelled: "the call was cancelled"
        case .malformed(let what): what
        }
    }

    package var description: String { message.isEmpty ? name : "\(message) (\(name))" }

    /// What sd-bus returns: a number that is not negative, or the negative of an errno.
    @discardableResult
    static func check(_ result: CInt, _ what: @autoclosure () -> String) throws(BusError) -> CInt {
        guard result >= 0 else { throw .malformed("\(what()): \(Errno(rawValue: -result))") }
        return result
    }

    /// What sd-bus returns when it takes a message.
    static func checkSent(_ result: CInt) throws(BusError) {
        if [ENOTCONN, ECONNRESET, EPIPE, ESHUTDOWN].contains(-result) { throw .lost }
        try check(result, "the call cannot be sent")
    }
}
