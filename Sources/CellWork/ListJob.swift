// What is in a directory, or below it: all of it (list), or what a glob matches (find).

import Cells
import Linux

final class ListJob: FileJob {
    private static let namesPerStep = 2000
    /// What an answer may take.
    private static let mostBytes = FileLimits.mostContent

    private let location: Location
    private let glob: Glob?
    private let limit: Int
    private let walk: TreeWalk
    private var entries: [FileResult.Listing.Entry] = []
    private var bytes = 0
    private var unreadable: UInt64 = 0
    /// What the walk has come to.
    private var last: [UInt8] = []

    init(_ list: FileRequest.List, at location: Location) throws(CellFailure) {
        var rules = try Self.rules(list.ignores, list.after)
        rules.depth = Int(list.depth)
        rules.includeHidden = list.includeHidden
        (self.location, glob, limit) = (location, nil, Int(list.limit))
        walk = try Self.walk(location, rules)
        last = list.after
    }

    init(_ find: FileRequest.Find, at location: Location) throws(CellFailure) {
        (self.location, limit) = (location, Int(find.limit))
        glob = try Glob(find.glob)
        walk = try Self.walk(location, try Self.rules(find.ignores, find.after))
        last = find.after
    }

    static func rules(_ ignores: [String], _ after: [UInt8]) throws(CellFailure) -> TreeWalk.Rules {
        TreeWalk.Rules(
            ignores: try ignores.map { (glob) throws(CellFailure) in try Glob(glob) }, after: after)
    }

    static func walk(_ location: Location, _ rules: TreeWalk.Rules) throws(CellFailure) -> TreeWalk {
        let root = try location.openDirectory()
        var rules = rules
        rules.obey(location.policy, below: root, in: location.place)
        return TreeWalk(root, rules)
    }

    func step() throws(CellFailure) -> FileResult? {
        var names = 0
        while names < Self.namesPerStep {
            switch try location.failing({ () throws(SystemError) in try walk.next() }) {
            case .pause(let more): names += more
            case .end: return .entries(listing(nil))
            case .crowded(let last): return .entries(listing(crowded(last)))
            case .visit(let visit):
                names += 4
                let path = walk.path(of: visit)
                if glob?.matches(path: path, name: visit.name.bytes) ?? true {
                    if let cut = cut(before: path) { return .entries(listing(cut)) }
                    add(visit, path)
                }
                last = path
            }
        }
        return nil
    }

    private func add(_ visit: TreeWalk.Visit, _ path: [UInt8]) {
        var target: FileName?
        var status: FileStatus?
        do throws(SystemError) {
            status = try walk.directory.fd.status(of: visit.name)
            if status?.kind == .symbolicLink { target = try walk.directory.fd.readLink(visit.name) }
        } catch {
            // Gone since its directory was read. What may only be named is named.
            if error.errno == .notFound { return }
            unreadable += 1
        }
        entries.append(
            FileResult.Listing.Entry(
                name: FileResult.Name(path), kind: (status?.kind ?? visit.kind).shown,
                mode: status?.mode ?? 0,
                size: status?.size ?? 0,
                modified: status?.modified ?? 0, target: target.map { FileResult.Name($0.bytes) }))
        // A byte that is not UTF-8 is shown with three.
        bytes += (entries.last?.name.text.utf8.count ?? 0) + (target?.count ?? 0) + 64
    }

    private func cut(before path: [UInt8]) -> FileResult.Cut? {
        guard path.count <= FileLimits.longestShownPath else {
            return FileResult.Cut(
                reason: .limit, after: last,
                advice: "The tree is deeper than can be shown. List a directory further down.")
        }
        guard entries.count >= limit || bytes + path.count > Self.mostBytes else { return nil }
        return FileResult.Cut(
            reason: .limit, after: last,
            advice: "There is more. Ask again with `after` set as it is here, or for less at once.")
    }

    private func crowded(_ last: [UInt8]) -> FileResult.Cut {
        FileResult.Cut(
            reason: .crowdedDirectory, after: last,
            advice: "A directory has very many entries. Ask again with `after` set as it is here.")
    }

    private func listing(_ cut: FileResult.Cut?) -> FileResult.Listing {
        FileResult.Listing(entries: entries, unreadable: unreadable + walk.unreadable, cut: cut)
    }
}
