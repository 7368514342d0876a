import CLinux
import Glibc

/// Says that something has changed in directories (inotify). What it was is for whoever hears it to find out.
package final class DirectoryWatch: Sendable {
    package let fd: OwnedFD

    package init() throws(SystemError) {
        fd = OwnedFD(
            raw: try systemCall("inotify_init1") { inotify_init1(CInt(IN_CLOEXEC | IN_NONBLOCK)) })
    }

    /// Names that come, go, or get another content.
    package func add(_ directory: String) throws(SystemError) {
        let mask =
            IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB | IN_DELETE_SELF
            | IN_MOVE_SELF
        let raw = fd.raw
        try systemCall("inotify_add_watch", on: directory) {
            unsafe inotify_add_watch(raw, directory, UInt32(mask))
        }
    }

    /// Forgets what has been said so far; false when there was nothing.
    package func drain() throws(SystemError) -> Bool {
        var hasChanged = false
        while let read = try fd.readSome(atMost: 4096), !read.isEmpty { hasChanged = true }
        return hasChanged
    }
}
