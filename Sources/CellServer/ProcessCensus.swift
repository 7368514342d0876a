// Who belongs to a call, where there are no control groups to say so.
//
// A process belongs to the call whose first process it descends from. One whose parents have all ended has a
// mark in its environment, which it inherited; and where that is gone, hidden, or of no call that is running, it
// belongs to whoever asks first. So nobody stays, and the most that a program gains by hiding is to be ended
// early.

import Linux

struct ProcessCensus: Census {
    let call: UInt32
    /// The first process of each call that is running.
    let leaders: () -> [Int32: UInt32]

    static let markName = "CLOISTER_CALL"

    var members: [Int32] {
        let (parents, leaders) = (Self.parents(), leaders())
        return parents.keys.filter { owner(of: $0, parents, leaders) == call }
    }

    private func owner(of pid: Int32, _ parents: [Int32: Int32], _ leaders: [Int32: UInt32]) -> UInt32 {
        var oldest = pid
        // Read one after the other, so what is read need not be a tree.
        for _ in 0...parents.count {
            if let call = leaders[oldest] { return call }
            guard let parent = parents[oldest], parents[parent] != nil else { break }
            oldest = parent
        }
        guard let mark = Self.mark(of: oldest), leaders.values.contains(mark) else { return call }
        return mark
    }

    /// Of all but the cell's own two, and of those who only wait to be reaped.
    static func parents() -> [Int32: Int32] {
        var parents: [Int32: Int32] = [:]
        let entries = (try? File.open("/proc", .directory).entryNames()) ?? []
        for pid in entries.compactMap(Int32.init) where pid > 2 { parents[pid] = parent(of: pid) }
        return parents
    }

    /// `nil` where it only waits to be reaped.
    static func parent(of pid: Int32) -> Int32? {
        // NUMBER (NAME) STATE PARENT …, and a name may have anything in it.
        guard let line = try? File.readText("/proc/\(pid)/stat", limit: 1024),
            let end = line.lastIndex(of: ")")
        else { return nil }
        let words = line[end...].split(separator: " ")
        guard words.count > 2, words[1] != "Z", words[1] != "X" else { return nil }
        return Int32(words[2])
    }

    private static func mark(of pid: Int32) -> UInt32? {
        let environment = (try? File.read("/proc/\(pid)/environ", limit: 256 << 10)) ?? []
        let prefix = Array("\(markName)=".utf8)
        for variable in environment.split(separator: 0) where variable.starts(with: prefix) {
            return UInt32(String(decoding: variable.dropFirst(prefix.count), as: UTF8.self))
        }
        return nil
    }
}
