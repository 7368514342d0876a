import CLinux
import Glibc

/// An error number of the kernel.
package struct Errno: RawRepresentable, Error, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: CInt

    package init(rawValue: CInt) { self.rawValue = rawValue }

    package static var current: Errno { Errno(rawValue: errno) }

    package static let interrupted = Errno(rawValue: EINTR)
    package static let wouldBlock = Errno(rawValue: EAGAIN)
    package static let notFound = Errno(rawValue: ENOENT)
    package static let exists = Errno(rawValue: EEXIST)
    package static let noProcess = Errno(rawValue: ESRCH)
    package static let badDescriptor = Errno(rawValue: EBADF)
    package static let badAddress = Errno(rawValue: EFAULT)
    package static let permissionDenied = Errno(rawValue: EACCES)
    package static let invalid = Errno(rawValue: EINVAL)
    package static let nameTooLong = Errno(rawValue: ENAMETOOLONG)
    package static let connectionRefused = Errno(rawValue: ECONNREFUSED)
    package static let connectionReset = Errno(rawValue: ECONNRESET)
    package static let brokenPipe = Errno(rawValue: EPIPE)
    package static let canceled = Errno(rawValue: ECANCELED)
    package static let processFilesExhausted = Errno(rawValue: EMFILE)
    package static let listTooLong = Errno(rawValue: E2BIG)
    package static let messageTooLong = Errno(rawValue: EMSGSIZE)
    package static let noBuffers = Errno(rawValue: ENOBUFS)

    package var description: String {
        unsafe String(cString: strerror(rawValue))
    }
}

/// A system call that failed: which one, why, and on what.
/// Reads `openat2 /etc/shadow: Permission denied`.
package struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    package let call: String
    package let errno: Errno
    package let object: String

    package init(_ call: StaticString, _ errno: Errno, _ object: String = "") {
        self.call = call.description
        self.errno = errno
        self.object = object
    }

    package var description: String {
        object.isEmpty ? "\(call): \(errno)" : "\(call) \(object): \(errno)"
    }
}

/// The one way into the kernel: retries what a signal interrupted, throws what failed, and traps on
/// the error numbers that only our own bugs can cause.
@discardableResult
func systemCall<Result: SignedInteger>(
    _ name: StaticString, on object: @autoclosure () -> String = "", _ body: () -> Result
) throws(SystemError) -> Result {
    #if DEBUG
        if let injected = Injection.failure(of: name, on: object) {
            throw SystemError(name, injected, object())
        }
    #endif
    while true {
        let result = body()
        if result >= 0 { return result }
        let errno = Errno.current
        switch errno {
        case .interrupted:
            continue
        case .badDescriptor, .badAddress:
            preconditionFailure("\(name) \(object()): \(errno)")
        default:
            throw SystemError(name, errno, object())
        }
    }
}

/// The same for calls on descriptors that do not block: `nil` when the kernel says "not now".
func nonBlockingCall(
    _ name: StaticString, _ body: () -> Int
) throws(SystemError) -> Int? {
    do {
        return try systemCall(name, body)
    } catch  where error.errno == .wouldBlock {
        return nil
    }
}
