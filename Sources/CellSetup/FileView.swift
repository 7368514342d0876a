// What a cell sees of files: a tmpfs of its own, with nothing in it but what stands here.
//
//   /usr /bin /lib…      the host's, read-only
//   /etc                 synthetic, and a few of the host's files that programs cannot do without
//   /proc                of the cell's own processes
//   /dev                 six devices, terminals and shared memory of its own
//   /tmp                 of a limited size
//   /workspace           where the client works, and HOME
//   granted trees        at their own paths
//
// What is the same for every cell and everybody's to see (/usr, devices) is opened before it is known whose cell this
// is. All other trees are opened with the rights of the client's own user and nothing more: what that user cannot
// reach, nobody can grant. They are detached copies then, which no later change of the host's mounts
// touches. The new root is built on top of a directory that is always there, entered, and made read-only.

import Cells
import Linux

package struct FileView: ~Copyable {
    package static let workspace = "/workspace"

    private let order: CellOrder
    private var trees: [DetachedTree]

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

    private static let devices = ["full", "null", "random", "tty", "urandom", "zero"]
    /// Files of /proc that know no namespace: all keys of a user are listed, whichever process made them.
    private static let covered = ["/proc/keys", "/proc/key-users"]
    /// Programs look for these in the root, whichever way the distribution keeps them.
    private static let aliases = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"]
    private static let hostFiles = [
        "/etc/ld.so.cache", "/etc/ssl/certs", "/etc/ca-certificates", "/etc/pki", "/etc/alternatives",
    ]

    /// Builds it and goes there, in a mount namespace whose mounts are private. Nothing of the host has a name
    /// afterwards.
    static func enter(
        _ order: CellOrder, with trees: [DetachedTree], workspace: borrowing DescriptorTable
    ) throws(SystemError) {
        File.setCreationMask(0o022)
        var view = FileView(order: order, trees: trees)
        try view.openTrees(workspace)
        try view.build()
    }

    private init(order: CellOrder, trees: [DetachedTree]) { (self.order, self.trees) = (order, trees) }

    /// What Landlock allows where: the same view once more, by another mechanism. Programs have less of some trees.
    static func accesses(_ order: CellOrder, ofPrograms: Bool) -> [(path: String, LandlockAccess)] {
        var accesses: [(String, LandlockAccess)] = [
            ("/usr", .readOnly), ("/etc", .readOnly), ("/proc", .readOnly), ("/dev", .readWrite),
            ("/tmp", .readWrite), (workspace, .readWrite),
        ]
        // Where these are links, they lead to /usr.
        for alias in aliases where File.kind(of: "/" + alias) == .directory {
            accesses.append(("/" + alias, .readOnly))
        }
        for tree in order.trees {
            let most: CellPlan.Tree.ProgramAccess = tree.isWritable ? .write : .read
            switch ofPrograms ? tree.programs : most {
            case .write: accesses.append((tree.path, .readWrite))
            case .read: accesses.append((tree.path, .readOnly))
            case .none: continue
            }
        }
        // The root itself can be listed; what it grants below is what stands there anyway.
        accesses.append(("/", .readDirectory))
        return accesses
    }

    // MARK: What comes from the host

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

    private mutating func openTrees(_ workspace: borrowing DescriptorTable) throws(SystemError) {
        for path in Self.hostFiles {
            guard let kind = File.kind(of: path) else { continue }
            trees.append(
                try DetachedTree(
                    opening: path, [.readOnly, .noSetUID, .noDevices, .noExecute],
                    isDirectory: kind == .directory))
        }
        if order.hasWorkspaceMount {
            let mount = try workspace.duplicate(0)
            trees.append(DetachedTree(mount, at: Self.workspace))
        } else if !order.isEphemeral {
            let mount = try Mount.clone(order.workspacePath)
            try Mount.set([.noSetUID, .noDevices], on: mount, named: Self.workspace)
            trees.append(DetachedTree(mount, at: Self.workspace))
        }
        for tree in order.trees { try open(tree) }
    }

    /// A granted tree. A symbolic link on its path could have been laid by a cell that may write there: it would
    /// choose what the next one is given.
    private mutating func open(_ tree: CellPlan.Tree) throws(SystemError) {
        guard let name = FileName(tree.path.utf8.dropFirst()) else {
            throw SystemError("openat2", .invalid, tree.path)
        }
        let place: OwnedFD
        do throws(SystemError) {
            place = try File.open("/", .directory).open(
                name, .path, resolve: [.beneath, .noMagicLinks, .noSymbolicLinks])
        } catch {
            throw SystemError("openat2", error.errno, tree.path)
        }
        let mount = try Mount.clone(of: place)
        try Mount.set(
            tree.isWritable ? [.noSetUID, .noDevices] : [.readOnly, .noSetUID, .noDevices], on: mount,
            named: tree.path)
        let isDirectory = try place.status().kind == .directory
        trees.append(DetachedTree(mount, at: tree.path, isDirectory: isDirectory))
    }

    // MARK: The new root

    private borrowing func build() throws(SystemError) {
        let localTime = try? File.readLink("/etc/localtime")
        let links = Self.aliases.compactMap { alias in
            (try? File.readLink("/" + alias)).map { (alias, $0) }
        }
        let mount = try Mount.make(
            "tmpfs", [("size", "4m"), ("nr_inodes", "4096"), ("mode", "755")], [.noSetUID, .noDevices])
        try Mount.attach(mount, to: "/usr")
        let maker = TreeMaker(below: mount)

        for (alias, target) in links { try maker.link(alias, to: target) }
        try fillEtc(maker, localTime: localTime)
        for directory in ["proc", "tmp", "dev/pts", "dev/shm", "workspace"] {
            try maker.directories(directory)
        }
        // Its own first: a granted tree may have its place in /tmp, and would be covered.
        try placeOwn(maker)
        // Shorter paths first: a tree may have its place inside another one.
        for tree in trees.sorted(by: { $0.path.utf8.count < $1.path.utf8.count }) {
            try place(tree, maker)
        }
        for (name, target) in [
            ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"),
        ] {
            try maker.link("dev/" + name, to: target)
        }
        try Mount.set([.readOnly, .noSetUID, .noDevices], on: maker.root, .oneMount, named: "/")
        try Mount.pivot(to: maker.root)
    }

    private borrowing func place(
        _ tree: DetachedTree, _ maker: borrowing TreeMaker
    ) throws(SystemError) {
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

    /// File systems that are the cell's alone.
    private borrowing func placeOwn(_ maker: borrowing TreeMaker) throws(SystemError) {
        let plain: Mount.Attributes = [.noSetUID, .noDevices]
        // A file without content costs the kernel about a kilobyte all the same.
        func room(_ bytes: UInt64) -> [(String, String)] {
            [("size", "\(bytes)"), ("nr_inodes", "\(max(1024, bytes / 1024))")]
        }
        let temporary = room(order.limits.temporaryBytes)
        func add(
            _ type: String, _ options: [(String, String)], _ attributes: Mount.Attributes, _ path: String
        ) throws(SystemError) {
            let mount = try Mount.make(type, options, attributes)
            try Mount.attach(mount, to: path, in: maker.root)
        }
        try add("proc", [], [.noSetUID, .noDevices, .noExecute], "proc")
        try add("tmpfs", temporary + [("mode", "1777")], plain, "tmp")
        try add(
            "tmpfs", temporary + [("mode", "1777")], [.noSetUID, .noDevices, .noExecute], "dev/shm")
        try add(
            "devpts", [("ptmxmode", "0666"), ("mode", "600")],
            [.noSetUID, .noExecute], "dev/pts")
        if order.isEphemeral, !order.hasWorkspaceMount {
            try add("tmpfs", room(order.limits.workspaceBytes) + [("mode", "700")], plain, "workspace")
        }
    }

    private borrowing func fillEtc(
        _ maker: borrowing TreeMaker, localTime: String?
    ) throws(SystemError) {
        try maker.directories("etc/ssl")
        try maker.file("etc/passwd", "cell:x:\(order.uid):\(order.gid):cell:\(Self.workspace):/bin/sh\n")
        try maker.file("etc/group", "cell:x:\(order.gid):\n")
        try maker.file(
            "etc/nsswitch.conf",
            "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n")
        try maker.file("etc/hosts", "127.0.0.1 localhost cell\n::1 localhost\n")
        try maker.file("etc/hostname", "cell\n")
        try maker.file("etc/host.conf", "multi on\n")
        if let localTime, localTime.contains("/usr/share/zoneinfo/") {
            try maker.link("etc/localtime", to: localTime)
        }
    }
}
