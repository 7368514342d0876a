import CLinux
import Glibc

/// A file as a block device. The kernel gives it up by itself once nobody has it open and nothing of it is
/// mounted, however its owner ended.
package struct LoopDevice: ~Copyable {
    package let path: String
    private let fd: OwnedFD

    package static func attach(_ file: borrowing OwnedFD) throws(SystemError) -> LoopDevice {
        let control = try File.open("/dev/loop-control", .readWrite)
        // Somebody else may take the free one first.
        for _ in 0..<16 {
            let number = try systemCall("ioctl", on: "LOOP_CTL_GET_FREE") {
                cloister_free_loop_device(control.raw)
            }
            let path = "/dev/loop\(number)"
            let device = try File.open(path, .readWrite)
            do throws(SystemError) {
                try systemCall("ioctl", on: "LOOP_CONFIGURE \(path)") {
                    cloister_configure_loop(device.raw, file.raw)
                }
                return LoopDevice(path: path, fd: device)
            } catch  where error.errno.rawValue == EBUSY {}
        }
        throw SystemError("ioctl", Errno(rawValue: EBUSY), "LOOP_CONFIGURE")
    }
}

extension File {
    /// Gives a file this length without giving it blocks.
    package static func setLength(_ file: borrowing OwnedFD, _ length: UInt64) throws(SystemError) {
        let raw = file.raw
        try systemCall("ftruncate") { ftruncate(raw, off_t(length)) }
    }

    package static func setOwner(_ path: String, _ user: NamespacedProcess.User) throws(SystemError) {
        try systemCall("chown", on: path) { unsafe chown(path, user.uid, user.gid) }
    }

    package static func rename(_ path: String, to new: String) throws(SystemError) {
        try systemCall("rename", on: new) { unsafe Glibc.rename(path, new) }
    }

    package static func removeDirectory(
        _ name: String, in directory: borrowing OwnedFD
    ) throws(SystemError) {
        let raw = directory.raw
        try systemCall("rmdir", on: name) { unsafe unlinkat(raw, name, AT_REMOVEDIR) }
    }
}

extension NamespacedProcess.User {
    package static var current: Self { Self(uid: getuid(), gid: getgid()) }
}

extension Process {
    /// Another of our programs: beside this one, or where an installation keeps what nobody starts by hand.
    package static func companion(_ name: String) throws(SystemError) -> String {
        let own = try File.readLink("/proc/self/exe")
        let directory = own.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
        let places = ["\(directory)/\(name)", "\(directory)/../libexec/cloister/\(name)"]
        guard let place = places.first(where: { File.kind(of: $0) != nil }) else {
            throw SystemError("open", .notFound, places[0])
        }
        return place
    }

    /// A user of the system by name or number.
    package static func user(_ name: String) -> NamespacedProcess.User? {
        if let number = uid_t(name) { return NamespacedProcess.User(uid: number, gid: number) }
        guard let entry = unsafe getpwnam(name) else { return nil }
        return unsafe NamespacedProcess.User(uid: entry.pointee.pw_uid, gid: entry.pointee.pw_gid)
    }
}
