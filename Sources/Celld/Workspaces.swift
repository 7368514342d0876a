// The directories that clients come back to, one for each user and application, and how each is kept from filling
// the disk.
//
//   STATE/workspaces/UID/APPLICATION.ext4    an image, mounted through a loop device: the file system inside
//                                            is as large as its limit and no larger; the image is sparse
//   STATE/workspaces/UID/APPLICATION         a directory, where images cannot be had and the wall may lack
//
// A mount is never given a place among the host's: it is made detached, handed to the cell, and is gone with the
// last process that holds it. So no death of anybody leaves one behind. (docs/decisions/0010 says why images.)
//
// Invariant: an image has at most one loop device, because two file systems on one image destroy it. Every cell
// of the same workspace gets a mount of the same one. The image is locked as long as its device has it, so that
// another celld, or the next one while cells of this one are still dying, does not attach it again.

import CellSetup
import Cells
import Linux

final class Workspaces {
    struct Key: Hashable {
        let uid: UInt32
        let application: String
    }

    private final class Image {
        let device: LoopDevice
        /// Keeps the file system ready while no cell has it.
        let mount: OwnedFD
        var idleSince: Duration?

        init(_ device: consuming LoopDevice, _ mount: consuming OwnedFD) {
            self.device = device
            self.mount = mount
        }
    }

    private let directory: String
    private let isPrivileged: Bool
    private var images: [Key: Image] = [:]
    private var users: [Key: Int] = [:]

    /// How long an image that nobody uses stays ready.
    static let idleTime: Duration = .seconds(60)
    static let mostIdle = 64

    init(below state: String, isPrivileged: Bool) throws(SystemError) {
        directory = state + "/workspaces"
        self.isPrivileged = isPrivileged
        try Self.makeDirectory(directory, mode: 0o711)
    }

    /// What a new cell gets: a mount, or a path that it opens with its own rights.
    enum Place: ~Copyable {
        case mount(OwnedFD)
        case path(String)
    }

    func place(
        _ key: Key, for user: NamespacedProcess.User, bytes: UInt64, _ walls: inout Walls
    ) throws(CellRefusal) -> Place {
        let parent = "\(directory)/\(key.uid)"
        do throws(SystemError) {
            try Self.makeDirectory(parent, mode: isPrivileged ? 0o711 : 0o700)
        } catch {
            throw CellRefusal(.workspace, because: "\(error)")
        }
        let plain = "\(parent)/\(key.application)"
        guard isPrivileged else {
            try walls.miss(.workspace, because: "an ordinary user's cloister-celld cannot mount an image")
            return try plainPlace(plain, user)
        }
        do throws(SystemError) {
            try Injection.check(wall: Wall.workspace.rawValue)
            let mount = try mountImage(plain + ".ext4", key, user, bytes)
            users[key, default: 0] += 1
            images[key]?.idleSince = nil
            return .mount(mount)
        } catch {
            try walls.miss(.workspace, because: "\(error)")
            return try plainPlace(plain, user)
        }
    }

    func release(_ key: Key) {
        guard let left = users[key].map({ $0 - 1 }) else { return }
        users[key] = left > 0 ? left : nil
        if left <= 0 { images[key]?.idleSince = SystemClock.monotonic }
    }

    /// Gives up what nobody has used for a while.
    func forgetIdle(at now: Duration) {
        images = images.filter { _, image in image.idleSince.map { now - $0 < Self.idleTime } ?? true }
        while images.values.count(where: { $0.idleSince != nil }) > Self.mostIdle {
            guard
                let oldest = images.filter({ $0.value.idleSince != nil })
                    .min(by: { $0.value.idleSince! < $1.value.idleSince! })?.key
            else { return }
            images[oldest] = nil
        }
    }

    var nextIdleEnd: Duration? { images.values.compactMap { $0.idleSince.map { $0 + Self.idleTime } }.min() }

    // MARK: Images

    private static let attributes: Mount.Attributes = [.noSetUID, .noDevices]

    private func mountImage(
        _ path: String, _ key: Key, _ user: NamespacedProcess.User, _ bytes: UInt64
    ) throws(SystemError) -> OwnedFD {
        if let image = images[key] { return try Self.mount(image.device.path) }
        if File.kind(of: path) == nil { try Self.makeImage(path, user, bytes) }
        let file = try File.open(path, [.readWrite, .noFollow])
        try Self.lock(file, path)
        let device = try LoopDevice.attach(file)
        let mount = try Self.mount(device.path)
        // mke2fs makes it, and a client would wonder.
        try? File.removeDirectory("lost+found", in: mount)
        let forCell = try Self.mount(device.path)
        images[key] = Image(device, mount)
        return forCell
    }

    /// The device holds the open file, and the lock with it, until the kernel has put it away.
    private static func lock(_ image: borrowing OwnedFD, _ path: String) throws(SystemError) {
        let end = SystemClock.monotonic + timeToPutAway
        while try !File.lockExclusively(image) {
            guard SystemClock.monotonic < end else { throw SystemError("flock", .busy, path) }
            SystemClock.sleep(.milliseconds(10))
        }
    }

    /// Cells end with their celld, and what they had is gone soon after.
    private static let timeToPutAway: Duration = .seconds(2)

    /// Another mount of the same device shares its file system.
    private static func mount(_ device: String) throws(SystemError) -> OwnedFD {
        try Mount.make("ext4", [("source", device)], attributes)
    }

    /// Under another name until it is whole.
    private static func makeImage(
        _ path: String, _ user: NamespacedProcess.User, _ bytes: UInt64
    ) throws(SystemError) {
        let unfinished = path + ".new"
        try? File.remove(unfinished)
        do {
            let file = try File.open(unfinished, [.readWrite, .create, .exclusive, .noFollow], mode: 0o600)
            try File.setLength(file, bytes)
        }
        // Small tables: a workspace has many files, but not millions. No blocks are kept for root. The smallest
        // journal would be most of a small workspace.
        let journal = bytes < 16 << 20 ? ["-O", "^has_journal"] : ["-J", "size=4"]
        let status = try Spawn.run(
            ["mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-i", "16384"] + journal + [
                "-E", "root_owner=\(user.uid):\(user.gid),lazy_itable_init=1,nodiscard", unfinished,
            ])
        guard status == .exited(0) else {
            try? File.remove(unfinished)
            throw SystemError("mke2fs", .invalid, path)
        }
        try File.rename(unfinished, to: path)
    }

    // MARK: Plain directories

    private func plainPlace(
        _ path: String, _ user: NamespacedProcess.User
    ) throws(CellRefusal) -> Place {
        do throws(SystemError) {
            try Self.makeDirectory(path, mode: 0o700)
            guard isPrivileged else { return .path(path) }
            try File.setOwner(path, user)
            let mount = try Mount.clone(path)
            try Mount.set(Self.attributes, on: mount, named: path)
            return .mount(mount)
        } catch {
            throw CellRefusal(.workspace, because: "\(error)")
        }
    }

    private static func makeDirectory(_ path: String, mode: UInt32) throws(SystemError) {
        do throws(SystemError) {
            try File.makeDirectory(path, mode: mode)
        } catch  where error.errno == .exists {
            _ = try File.open(path, [.directory, .noFollow])
        }
    }
}
