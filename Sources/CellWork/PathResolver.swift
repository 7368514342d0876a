// From what a client writes to what the kernel opens.
//
//   "src/./a.c" ──text──▶ place /workspace, "src/a.c" ──openat2 below the place's descriptor──▶ file
//
// Text decides only which place is meant, and it never gets to choose a way out: `..` is taken together
// with the name before it as long as that stays in the place, and is refused otherwise. Everything after
// that is one openat2 beneath the place. A symbolic link that leads out, a magic link, a directory that is
// swapped for a link in between: the kernel refuses them, and nothing here compares paths and reopens them.

import Cells
import Linux

package struct PathResolver: Sendable {
    /// The first is the workspace, which relative paths are relative to.
    package let places: [Place]
    let policy: FilePolicy

    package init(places: [Place], rules: FileRules = .permissive) {
        precondition(!places.isEmpty)
        (self.places, policy) = (places, FilePolicy(rules))
    }

    package func locate(_ path: String) throws(CellFailure) -> Location {
        guard !path.utf8.contains(0) else {
            throw CellFailure(.invalid, path: path, "A path cannot contain a NUL character.")
        }
        guard !path.isEmpty else { throw CellFailure(.invalid, "The path is empty; \".\" is the workspace.") }
        let parts = path.utf8.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
            .map { Array($0) }
        guard path.utf8.first == UInt8(ascii: "/") else {
            return try enclosed(parts, in: places[0], path)
        }
        guard let place = place(of: parts) else { throw outside(path) }
        return try enclosed(Array(parts.dropFirst(Self.parts(of: place).count)), in: place, path)
    }

    /// Parts below a place, after `..` has been taken away. They may lead into a place within it.
    private func enclosed(
        _ parts: [[UInt8]], in place: Place, _ path: String
    ) throws(CellFailure) -> Location {
        var kept: [[UInt8]] = []
        for part in parts {
            if !part.elementsEqual("..".utf8) {
                kept.append(part)
            } else if kept.popLast() == nil {
                throw outside(path)
            }
        }
        let whole = Self.parts(of: place) + kept
        let inner = self.place(of: whole) ?? place
        return Location(
            place: inner, parts: Array(whole.dropFirst(Self.parts(of: inner).count)), path: path,
            policy: policy)
    }

    private func place(of parts: [[UInt8]]) -> Place? {
        places.filter { parts.starts(with: Self.parts(of: $0)) }
            .max { $0.path.utf8.count < $1.path.utf8.count }
    }

    private static func parts(of place: Place) -> [[UInt8]] {
        place.path.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) }
    }

    private func outside(_ path: String) -> CellFailure {
        let names = places.map { $0.path + ($0.isWritable ? "" : " (read only)") }
        return CellFailure(
            .outsidePlaces, path: path,
            "\(path) is outside of what this cell has (wall fileview). It has \(names.joined(separator: ", "))."
                + " An administrator can give it more trees in the policy.")
    }
}
