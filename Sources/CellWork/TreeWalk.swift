// A walk through a tree of directories, in the order of the names' bytes, each directory before what is in
// it. Symbolic links are met and never followed. It does its work in pieces: a directory with many names
// takes several, and says so by `.pause`.
//
// A walk can begin behind a relative path that an earlier one gave, so that who was given a part can ask for
// the rest: the directories on that path are entered and what comes before is passed over. Of a directory
// with more names than are held in memory the walk has the first ones, and says so when it is through with
// them.

import Cells
import Linux

final class TreeWalk {
    /// About what one reading of a directory gives.
    private static let namesPerBuffer = 500

    struct Visit {
        let name: FileName
        let kind: FileStatus.Kind
        /// 1 for what is in the root.
        let depth: Int
    }

    enum Step {
        case visit(Visit)
        /// This path was the last of the names that are held; the directory has more behind it.
        case crowded(last: [UInt8])
        /// Nothing yet; so many names were gone through.
        case pause(names: Int)
        case end
    }

    struct Rules {
        var depth = Int.max
        var ignores: [Glob] = []
        var includeHidden = true
        var after: [UInt8] = []
        /// Of paths below the root; what policy does not allow to be read is passed by.
        var mayRead: @Sendable ([UInt8]) -> Bool = { _ in true }
        var asksPolicy = false
        /// Names of one directory that are held in memory: two at least, one of them to go on behind.
        var mostNames = 100_000
    }

    /// The path of the directory that is visited, with a slash at its end, and empty for the root.
    private(set) var directoryPath: [UInt8] = []
    private(set) var unreadable: UInt64 = 0

    private struct Level {
        /// In order backwards, so that the next one is the last.
        var names: [DirectoryEntries.Entry] = []
        var isRead = false
        /// The last name that is held, where there are more.
        var cutAfter: FileName?
        /// Where in `after` this directory's part begins.
        var resume: ArraySlice<UInt8>?
    }

    private let rules: Rules
    private let way: DirectoryWay
    private var levels: [Level]
    private var reader = DirectoryEntries()
    /// The visit before was of a directory that is next to be entered.
    private var pending: (name: FileName, resume: ArraySlice<UInt8>?)?

    init(_ root: OpenDirectory, _ rules: Rules) {
        self.rules = rules
        way = DirectoryWay(root: root)
        levels = [Level(resume: rules.after.isEmpty ? nil : rules.after[...])]
    }

    /// The open directory of the last visit.
    var directory: OpenDirectory { way.current }

    func path(of visit: Visit) -> [UInt8] { directoryPath + visit.name.bytes }

    /// Not into the directory that was just visited.
    func pass() { pending = nil }

    func next() throws(SystemError) -> Step {
        if let pending {
            self.pending = nil
            if levels.count < rules.depth { enter(pending.name, pending.resume) }
        }
        let level = levels.count - 1
        if !levels[level].isRead {
            try read(level)
            return .pause(names: Self.namesPerBuffer)
        }
        if let entry = levels[level].names.popLast() { return visit(entry, level) }
        if let last = levels[level].cutAfter {
            levels[level].cutAfter = nil
            return .crowded(last: directoryPath + last.bytes)
        }
        return try leave()
    }

    private func enter(_ name: FileName, _ resume: ArraySlice<UInt8>?) {
        do throws(SystemError) {
            try way.descend(name)
        } catch {
            // Gone, swapped for something else, or not to be read.
            unreadable += 1
            return
        }
        levels.append(Level(resume: resume))
        directoryPath += name.bytes
        directoryPath.append(UInt8(ascii: "/"))
    }

    private func leave() throws(SystemError) -> Step {
        levels.removeLast()
        if levels.isEmpty { return .end }
        let name = try way.ascend()
        directoryPath.removeLast(name.count + 1)
        return .pause(names: 1)
    }

    /// One buffer of names; sorted when there are no more.
    private func read(_ level: Int) throws(SystemError) {
        let before = levels[level].names.count
        do throws(SystemError) {
            levels[level].isRead = try !reader.read(from: way.current.fd, into: &levels[level].names)
        } catch {
            unreadable += 1
            levels[level].isRead = true
        }
        if let after = levels[level].resume {
            let part = after.prefix { $0 != UInt8(ascii: "/") }
            let kept = levels[level].names[before...].filter {
                !$0.name.bytes.lexicographicallyPrecedes(part)
            }
            levels[level].names.replaceSubrange(before..., with: kept)
        }
        let count = levels[level].names.count
        if levels[level].isRead || count >= 2 * rules.mostNames { sort(level) }
    }

    private func sort(_ level: Int) {
        levels[level].names.sort { $1.name < $0.name }
        let tooMany = levels[level].names.count - rules.mostNames
        guard tooMany > 0 else { return }
        levels[level].names.removeFirst(tooMany)
        levels[level].cutAfter = levels[level].names.first?.name
    }

    private func visit(_ entry: DirectoryEntries.Entry, _ level: Int) -> Step {
        let name = entry.name
        var isPassed = false
        var resume: ArraySlice<UInt8>?
        if let after = levels[level].resume {
            // Names before it were left out when they were read.
            let part = after.prefix { $0 != UInt8(ascii: "/") }
            levels[level].resume = nil
            if name.bytes.elementsEqual(part) {
                isPassed = true
                let rest = after[part.endIndex...].dropFirst()
                resume = rest.isEmpty ? nil : rest
            }
        }
        if !rules.includeHidden, name.first == UInt8(ascii: ".") { return .pause(names: 1) }
        if !rules.ignores.isEmpty || rules.asksPolicy {
            let path = directoryPath + name.bytes
            if rules.ignores.contains(where: { $0.matches(path: path, name: name.bytes) }) {
                return .pause(names: 1)
            }
            if rules.asksPolicy, !rules.mayRead(path) {
                unreadable += 1
                return .pause(names: 1)
            }
        }
        var kind = entry.kind
        if kind == .unknown { kind = (try? way.current.fd.status(of: name).kind) ?? .unknown }
        if kind == .directory { pending = (name, resume) }
        return isPassed ? .pause(names: 1) : .visit(Visit(name: name, kind: kind, depth: level + 1))
    }
}
