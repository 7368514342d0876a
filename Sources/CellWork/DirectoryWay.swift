// Where a walk is: the directories from its root down to the current one. It goes down by name, and up
// again by `..`, and each directory is known by its identity, so that neither a link in a directory's place
// nor a directory that was moved away leads elsewhere. Only the deepest directories stay open: a tree that is
// deeper than a process may have files is walked all the same, and no path is ever longer than one name.

import Linux

final class DirectoryWay {
    private static let mostOpen = 64

    private struct Level {
        let name: FileName
        let identity: FileIdentity
        var directory: OpenDirectory?
    }

    private var levels: [Level]
    private let entersMounts: Bool

    init(root: OpenDirectory, entersMounts: Bool = true) {
        self.entersMounts = entersMounts
        levels = [Level(name: FileName("."), identity: root.identity, directory: root)]
    }

    /// 0 at the root.
    var depth: Int { levels.count - 1 }

    /// From the root down, without it.
    var names: [FileName] { levels.dropFirst().map(\.name) }

    /// The deepest one is always open.
    var current: OpenDirectory { levels[levels.count - 1].directory! }

    func descend(_ name: FileName) throws(SystemError) {
        let child = try current.child(name, enteringMounts: entersMounts)
        levels.append(Level(name: name, identity: child.identity, directory: child))
        // The root stays open: everything else is found from a directory next to it.
        let tooMany = levels.count - 1 - Self.mostOpen
        if tooMany > 0 { levels[tooMany].directory = nil }
    }

    /// Back to the directory above; the name that led to the one below.
    func ascend() throws(SystemError) -> FileName {
        let above = levels.count - 2
        if levels[above].directory == nil {
            let parent = try OpenDirectory(current.fd.openParent())
            guard parent.identity == levels[above].identity else {
                throw SystemError("openat2", .wouldBlock, "..")
            }
            levels[above].directory = parent
        }
        return levels.removeLast().name
    }
}
