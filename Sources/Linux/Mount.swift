import CLinux
import Glibc

/// Mounts by descriptor: a tree is made or cloned detached, given its attributes, and only then given a place.
package enum Mount {
    package struct Attributes: OptionSet, Sendable {
        package let rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }

        package static let readOnly = Attributes(rawValue: 0x1)
        package static let noSetUID = Attributes(rawValue: 0x2)
        package static let noDevices = Attributes(rawValue: 0x4)
        package static let noExecute = Attributes(rawValue: 0x8)
    }

    /// From here on, what is mounted in this namespace stays in it, and what others mount stays out.
    package static func makeEverythingPrivate() throws(SystemError) {
        try systemCall("mount", on: "/") {
            unsafe mount(nil, "/", nil, UInt(MS_REC) | UInt(MS_PRIVATE), nil)
        }
    }

    /// A detached copy of the tree at a path, with everything that is mounted below.
    package static func clone(_ path: String) throws(SystemError) -> OwnedFD {
        OwnedFD(
            raw: try systemCall("open_tree", on: path) {
                unsafe cloister_open_tree(AT_FDCWD, path, cloneFlags)
            })
    }

    /// The same of a directory that is open.
    package static func clone(of directory: borrowing OwnedFD) throws(SystemError) -> OwnedFD {
        let raw = directory.raw
        return OwnedFD(
            raw: try systemCall("open_tree") {
                unsafe cloister_open_tree(raw, "", cloneFlags | UInt32(AT_EMPTY_PATH))
            })
    }

    // OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC, AT_RECURSIVE
    private static let cloneFlags = UInt32(1) | UInt32(O_CLOEXEC) | 0x8000

    package enum Extent: Sendable { case wholeTree, oneMount }

    package static func set(
        _ attributes: Attributes, on tree: borrowing OwnedFD, _ extent: Extent = .wholeTree,
        named name: String = ""
    ) throws(SystemError) {
        let raw = tree.raw
        // AT_RECURSIVE
        let flags = UInt32(AT_EMPTY_PATH) | (extent == .wholeTree ? 0x8000 : 0)
        try systemCall("mount_setattr", on: name) {
            cloister_mount_setattr(raw, flags, attributes.rawValue, 0, 0)
        }
    }

    /// A new file system that has no place yet.
    package static func make(
        _ type: String, _ options: [(String, String)], _ attributes: Attributes
    ) throws(SystemError) -> OwnedFD {
        let context = OwnedFD(
            raw: try systemCall("fsopen", on: type) { unsafe cloister_fsopen(type) })
        for (key, value) in options {
            try systemCall("fsconfig", on: "\(type) \(key)=\(value)") {
                unsafe cloister_fsconfig_string(context.raw, key, value)
            }
        }
        try systemCall("fsconfig", on: type) { cloister_fsconfig_create(context.raw) }
        return OwnedFD(
            raw: try systemCall("fsmount", on: type) {
                cloister_fsmount(context.raw, UInt32(attributes.rawValue))
            })
    }

    /// Gives a detached tree its place, below a directory that is open.
    package static func attach(
        _ tree: borrowing OwnedFD, to path: String, in directory: borrowing OwnedFD
    ) throws(SystemError) {
        let (raw, place) = (tree.raw, directory.raw)
        // MOVE_MOUNT_F_EMPTY_PATH
        try systemCall("move_mount", on: path) {
            unsafe cloister_move_mount(raw, place, path, 0x4)
        }
    }

    /// Gives a detached tree its place at a path of the whole view.
    package static func attach(
        _ tree: borrowing OwnedFD, to path: String
    ) throws(SystemError) {
        let raw = tree.raw
        try systemCall("move_mount", on: path) {
            unsafe cloister_move_mount(raw, AT_FDCWD, path, 0x4)
        }
    }

    /// Makes an open directory the root of everything, and takes away all that was there before.
    package static func pivot(to root: borrowing OwnedFD) throws(SystemError) {
        let raw = root.raw
        try systemCall("fchdir") { fchdir(raw) }
        // The old root ends up on top of the new one, and is taken off it.
        try systemCall("pivot_root") { unsafe cloister_pivot_root(".", ".") }
        try systemCall("umount2") { unsafe umount2(".", CInt(MNT_DETACH)) }
        try systemCall("chdir", on: "/") { unsafe chdir("/") }
    }
}
