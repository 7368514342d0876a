// What policy says to a request, asked with the path that the kernel resolved: a descriptor is open, and /proc says
// what it is. So a symbolic link does not lead around a rule, nor does a directory that is swapped for one.
//
// The walls are the kernel's, and stand without this. These are the finer rules, which programs do not see.

import Cells
import Linux
import Patterns

struct FilePolicy: Sendable {
    enum Access: String, Sendable { case read, write }

    let rules: FileRules
    /// Nothing has to be looked up.
    let isPermissive: Bool

    init(_ rules: FileRules) {
        self.rules = rules
        isPermissive = rules == .permissive
    }

    /// What stands behind a descriptor, and a name in it.
    func check(
        _ accesses: [Access], _ fd: borrowing OwnedFD, _ name: FileName? = nil, in place: Place
    ) throws(CellFailure) {
        guard !isPermissive else { return }
        try check(accesses, try place.certainPath(of: fd, name))
    }

    func check(_ accesses: [Access], _ path: [UInt8]) throws(CellFailure) {
        guard !isPermissive else { return }
        let names = PathNames(path)
        for access in accesses {
            let act = access == .read ? .read : FileRules.writing(to: names)
            let judgement = rules.judge(act, names)
            let shown = String(decoding: path, as: UTF8.self)
            switch judgement.verdict {
            case .allow: continue
            case .ask:
                throw CellFailure(
                    .needsConsent, path: shown, call: "\(act)", "A person has to be asked about \(shown).")
            case .deny:
                let why = judgement.rule.map { "the rule at \($0) denies it" } ?? "no rule allows it"
                throw CellFailure(
                    .deniedByPolicy, path: shown, call: "\(act)",
                    "To \(access.rawValue) \(shown) is not permitted: \(why). An administrator can change the policy."
                )
            }
        }
    }

    /// Of what is come across in a tree, which is left out otherwise.
    func allowsReading(_ path: [UInt8]) -> Bool {
        isPermissive || rules.judge(.read, PathNames(path)).verdict == .allow
    }

}

extension Place {
    /// Where that cannot be known, no rule can be about it, and it is denied.
    func certainPath(of fd: borrowing OwnedFD, _ name: FileName?) throws(CellFailure) -> [UInt8] {
        guard let found = path(of: fd, name) else {
            throw CellFailure(
                .deniedByPolicy, path: path,
                "What was named is not below \(path) any more, and no rule is about where it is now.")
        }
        return found
    }

    /// As the cell names it: the place's path, and what the kernel says lies below it.
    func path(of fd: borrowing OwnedFD, _ name: FileName?) -> [UInt8]? {
        guard let root, let whole = fd.currentPath, whole.starts(with: root) else { return nil }
        let below = whole.dropFirst(root.count)
        guard below.isEmpty || below.first == UInt8(ascii: "/") || root.last == UInt8(ascii: "/") else {
            return nil
        }
        var path = Array(self.path.utf8) + below
        if let name {
            path.append(UInt8(ascii: "/"))
            path += name.bytes
        }
        return path
    }
}

extension TreeWalk.Rules {
    /// Below a directory that is open.
    mutating func obey(_ policy: FilePolicy, below root: OpenDirectory, in place: Place) {
        guard !policy.isPermissive else { return }
        asksPolicy = true
        // Nothing can be said about what is where nobody knows.
        guard let path = place.path(of: root.fd, nil) else { return mayRead = { _ in false } }
        mayRead = { policy.allowsReading(path + [UInt8(ascii: "/")] + $0) }
    }
}

extension Location {
    /// All that is below a directory, for an act that takes it as a whole; and where it is to be afterwards.
    func checkTree(
        _ entry: Entry, for accesses: FilePolicy.Access..., movedTo target: (Location, Entry)? = nil
    ) throws(CellFailure) {
        guard !policy.isPermissive else { return }
        let root = try place.certainPath(of: entry.directory.fd, entry.name)
        let directory = try failing { () throws(SystemError) in try entry.directory.child(entry.name) }
        let newRoot = try target.map { (to, entry) throws(CellFailure) in
            try to.place.certainPath(of: entry.directory.fd, entry.name)
        }
        let walk = TreeWalk(directory, TreeWalk.Rules())
        while true {
            switch try failing({ () throws(SystemError) in try walk.next() }) {
            case .visit(let visit):
                let below = [UInt8(ascii: "/")] + walk.path(of: visit)
                try policy.check(accesses, root + below)
                if let newRoot { try policy.check([.write], newRoot + below) }
            case .crowded:
                throw CellFailure(
                    .tooLarge, path: path,
                    "\(path) has more entries than can be looked at one by one, as the policy makes necessary."
                )
            case .pause: continue
            case .end: return
            }
        }
    }
}
