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
// is, and has its place before there is an order (NewRoot). All other trees are opened with the rights of the client's
// own user and nothing more: what that user cannot reach, nobody can grant. They are detached copies then, which no
// later change of the host's mounts touches. Then the new root is entered, and made read-only.

import Cells
import Linux

package struct FileView: ~Copyable {
    package static let workspace = "/workspace"

    private let order: CellOrder
    private let root: NewRoot
    private var trees: [DetachedTree] = []

    private static let hostFiles = [
        "/etc/ld.so.cache", "/etc/ssl/certs", "/etc/ca-certificates", "/etc/pki", "/etc/alternatives",
    ]

    /// Completes it and goes there, in a mount namespace whose mounts are private. Nothing of the host has a name
    /// afterwards.
    static func enter(
        _ root: NewRoot, _ order: CellOrder, workspace: borrowing DescriptorTable
    ) throws(SystemError) {
        var view = FileView(root, order)
        try view.openTrees(workspace)
        try view.complete()
    }

    private init(_ root: NewRoot, _ order: CellOrder) { (self.root, self.order) = (root, order) }

    /// What Landlock allows where: the same view once more, by another mechanism. Programs have less of some trees.
    static func accesses(_ order: CellOrder, ofPrograms: Bool) -> [(path: String, LandlockAccess)] {
        var accesses: [(String, LandlockAccess)] = [
            ("/usr", .readOnly), ("/etc", .readOnly), ("/proc", .readOnly), ("/dev", .readWrite),
            ("/tmp", .readWrite), (workspace, .readWrite),
        ]
        // Where these are links, they lead to /usr.
        for alias in NewRoot.aliases where File.kind(of: "/" + alias) == .directory {
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

    private borrowing func complete() throws(SystemError) {
        let localTime = try? File.readLink("/etc/localtime")
        if let localTime, Self.zones.contains(where: localTime.hasPrefix) {
            try root.maker.link("etc/localtime", to: localTime)
        }
        // Its own first: a granted tree may have its place in /tmp, and would be covered.
        try placeOwn()
        // Shorter paths first: a tree may have its place inside another one.
        for tree in trees.sorted(by: { $0.path.utf8.count < $1.path.utf8.count }) { try root.place(tree) }
        try Mount.set([.readOnly, .noSetUID, .noDevices], on: root.maker.root, .oneMount, named: "/")
        try Mount.pivot(to: root.maker.root)
    }

    private static let zones = ["/usr/share/zoneinfo/", "../usr/share/zoneinfo/"]

    /// File systems that are the cell's alone, and as large as its limits say.
    private borrowing func placeOwn() throws(SystemError) {
        // A file without content costs the kernel about a kilobyte all the same.
        func room(_ bytes: UInt64, mode: String) -> [(String, String)] {
            [("size", "\(bytes)"), ("nr_inodes", "\(max(1024, bytes / 1024))"), ("mode", mode)]
        }
        let temporary = room(order.limits.temporaryBytes, mode: "1777")
        try root.add("tmpfs", temporary, [.noSetUID, .noDevices], "tmp")
        try root.add("tmpfs", temporary, [.noSetUID, .noDevices, .noExecute], "dev/shm")
        if order.isEphemeral, !order.hasWorkspaceMount {
            try root.add(
                "tmpfs", room(order.limits.workspaceBytes, mode: "700"), [.noSetUID, .noDevices], "workspace")
        }
    }
}
