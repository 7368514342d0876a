import Foundation
import Glibc
import Linux

// Facts about descriptors, and files for tests.

package func openForAppending(_ path: String) throws -> OwnedFD {
    let fd = unsafe open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard fd >= 0 else { throw TestFault("open \(path): \(errno)") }
    return try OwnedFD(inherited: Int(fd))
}

package func writeFile(_ path: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
}

/// Of the open file, which everybody who shares it sees.
package func isBlocking(_ fd: borrowing OwnedFD) -> Bool {
    fcntl(CInt(fd.number), F_GETFL) & O_NONBLOCK == 0
}

package func isCloseOnExec(_ fd: borrowing OwnedFD) -> Bool {
    fcntl(CInt(fd.number), F_GETFD) & FD_CLOEXEC != 0
}

/// How many descriptors of this process are open on the same object: for objects that are the test's alone,
/// because other tests open and close theirs meanwhile.
package func openDescriptors(of fd: borrowing OwnedFD) throws -> Int {
    let object = try File.readLink("/proc/self/fd/\(fd.number)")
    let numbers = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
    return numbers.count { (try? File.readLink("/proc/self/fd/\($0)")) == object }
}
