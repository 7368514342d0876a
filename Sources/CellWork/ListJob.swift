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
    private var last: [UInt8] = []

    init(_ list: FileRequest.List, at location: Location) throws(CellFailure) {
        var rules = try Self.rules(list.ignores, list.after)
        rules.depth = Int(list.depth)
        rules.includeHidden = list.includeHidden
        (self.location, glob, limit) = (location, nil, Int(list.limit))
        walk = TreeWalk(try location.openDirectory(), rules)
        last = list.after
    }

    init(_ find: FileRequest.Find, at location: Location) throws(CellFailure) {
        (self.location, limit) = (location, Int(find.limit))
        glob = try Glob(find.glob)
        walk = TreeWalk(try location.openDirectory(), try Self.rules(find.ignores, find.after))
        last = find.after
    }

    static func rules(_ ignores: [String], _ after: [UInt8]) throws(CellFailure) -> TreeWalk.Rules {
        TreeWalk.Rules(
            ignores: try ignores.map { (glob) throws(CellFailure) in try Glob(glob) }, after: after)
    }

    func step() throws(CellFailure) -> FileResult? {
        var names = 0
        while names < Self.namesPerStep {
            switch try location.failing({ () throws(SystemError) in try walk.next() }) {
            case .pause(let more): names += more
            case .end: return .entries(listing(crowdedCut))
            case .visit(let visit):
                names += 4
                let path = walk.path(of: visit)
                if let glob, !glob.matches(path: path, name: visit.name.bytes) { continue }
                if let cut = cut(before: path) { return .entries(listing(cut)) }
                try location.failing { () throws(SystemError) in try add(visit, path) }
            }
        }
        return nil
    }

    private func add(_ visit: TreeWalk.Visit, _ path: [UInt8]) throws(SystemError) {
        let status: FileStatus
        var target: FileName?
        do throws(SystemError) {
            status = try walk.directory.fd.status(of: visit.name)
            if status.kind == .symbolicLink { target = try walk.directory.fd.readLink(visit.name) }
        } catch {
            // Gone since its directory was read.
            if error.errno == .notFound || error.errno == .invalid { return }
            throw error
        }
        entries.append(
            FileResult.Listing.Entry(
                name: FileResult.Name(path), kind: status.kind.shown, mode: status.mode, size: status.size,
                modified: status.modified, target: target.map { FileResult.Name($0.bytes) }))
        bytes += path.count + (target?.count ?? 0) + 64
        last = path
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
            advice: "There is more. Ask again with `after` set to the last name here, or for less at once.")
    }

    private var crowdedCut: FileResult.Cut? {
        walk.crowded.map {
            FileResult.Cut(
                reason: .crowdedDirectory, after: $0,
                advice: "\(location.path)/\(String(decoding: $0, as: UTF8.self)) has more than"
                    + " \(TreeWalk.mostNames) entries, and some of them were left out.")
        }
    }

    private func listing(_ cut: FileResult.Cut?) -> FileResult.Listing {
        FileResult.Listing(entries: entries, unreadable: walk.unreadable, cut: cut)
    }
}
