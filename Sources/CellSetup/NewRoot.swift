// The root of a cell, as far as it can be made before there is an order:
//
//   everybody's trees opened ──whose cell it will be──▶ root with its own files, everybody's trees placed ──▶ FileView
//
// Its files are made with the number of the cell's user, which is the only one that exists inside.

import Cells
import Linux

/// A tree that has been opened and has no place yet.
final class DetachedTree: Sendable {
    let mount: OwnedFD
    let path: String
    let isDirectory: Bool

    init(_ mount: consuming OwnedFD, at path: String, isDirectory: Bool = true) {
        self.mount = mount
        (self.path, self.isDirectory) = (path, isDirectory)
    }

    convenience init(
        opening path: String, _ attributes: Mount.Attributes, isDirectory: Bool = true
    ) throws(SystemError) {
        let mount = try Mount.clone(path)
        try Mount.set(attributes, on: mount, named: path)
        self.init(mount, at: path, isDirectory: isDirectory)
    }
}

final class NewRoot {
    let maker: TreeMaker

    private static let devices = ["full", "null", "random", "tty", "urandom", "zero"]
    /// Files of /proc that know no namespace: all keys of a user are listed, whichever process made them.
    private static let covered = ["/proc/keys", "/proc/key-users"]
    /// Programs look for these in the root, whichever way the distribution keeps them.
    static let aliases = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"]

    /// In a mount namespace of its own, whoever's cell it will be.
    static func treesOfEverybody() throws(SystemError) -> [DetachedTree] {
        let attributes: Mount.Attributes = [.readOnly, .noSetUID, .noDevices]
        var trees = [try DetachedTree(opening: "/usr", attributes)]
        for alias in aliases where File.kind(of: "/" + alias) == .directory {
            trees.append(try DetachedTree(opening: "/" + alias, attributes))
        }
        for device in devices {
            // As they are: nothing else is in these mounts, and a device is the point of them.
            let path = "/dev/" + device
            trees.append(DetachedTree(try Mount.clone(path), at: path, isDirectory: false))
        }
        for path in covered where File.kind(of: path) != nil {
            let mount = try Mount.clone("/dev/null")
            try Mount.set([.readOnly, .noSetUID, .noExecute], on: mount, named: path)
            trees.append(DetachedTree(mount, at: path, isDirectory: false))
        }
        return trees
    }

    /// Where no granted tree can be, so that it covers nothing that is still to be opened.
    private static let foundation = "/proc"

    /// Places everybody's trees, and makes what is the same in every cell of this user.
    init(_ trees: [DetachedTree], of owner: CellOwner) throws(SystemError) {
        File.setCreationMask(0o022)
        let links = Self.aliases.compactMap { alias in
            (try? File.readLink("/" + alias)).map { (alias, $0) }
        }
        let mount = try Mount.make(
            "tmpfs", [("size", "4m"), ("nr_inodes", "4096"), ("mode", "755")], [.noSetUID, .noDevices])
        try Mount.attach(mount, to: Self.foundation)
        maker = TreeMaker(below: mount)

        for (alias, target) in links { try maker.link(alias, to: target) }
        try fillEtc(owner)
        for directory in ["proc", "tmp", "dev/pts", "dev/shm", "workspace"] {
            try maker.directories(directory)
        }
        try add("proc", [], [.noSetUID, .noDevices, .noExecute], "proc")
        try add("devpts", [("ptmxmode", "0666"), ("mode", "600")], [.noSetUID, .noExecute], "dev/pts")
        for tree in trees { try place(tree) }
        for (name, target) in [
            ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"),
        ] {
            try maker.link("dev/" + name, to: target)
        }
    }

    func place(_ tree: DetachedTree) throws(SystemError) {
        let path = String(tree.path.dropFirst())
        if tree.isDirectory {
            try maker.directories(path)
        } else {
            if let slash = path.lastIndex(of: "/") { try maker.directories(String(path[..<slash])) }
            do throws(SystemError) {
                try maker.file(path)
            } catch  where error.errno == .exists {}
        }
        try Mount.attach(tree.mount, to: path, in: maker.root)
    }

    func add(
        _ type: String, _ options: [(String, String)], _ attributes: Mount.Attributes, _ path: String
    ) throws(SystemError) {
        let mount = try Mount.make(type, options, attributes)
        try Mount.attach(mount, to: path, in: maker.root)
    }

    private func fillEtc(_ owner: CellOwner) throws(SystemError) {
        try maker.directories("etc/ssl")
        try maker.file(
            "etc/passwd", "cell:x:\(owner.uid):\(owner.gid):cell:\(FileView.workspace):/bin/sh\n")
        try maker.file("etc/group", "cell:x:\(owner.gid):\n")
        try maker.file(
            "etc/nsswitch.conf",
            "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n")
        try maker.file("etc/hosts", "127.0.0.1 localhost cell\n::1 localhost\n")
        try maker.file("etc/hostname", "cell\n")
        try maker.file("etc/host.conf", "multi on\n")
    }
}
