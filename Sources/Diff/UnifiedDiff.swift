// A change of one file as `diff -u` shows it.

package struct UnifiedDiff {
    private static let context = 3
    /// Behind this much the text says that it was cut.
    package static let mostBytes = 1 << 20

    /// Empty when nothing changed.
    package let text: String
    package let hunks: Int

    /// `old` is `nil` for a file that is made, `new` for one that is deleted.
    package init(path: String, old: [UInt8]?, new: [UInt8]?) {
        let oldLines = TextLines.of(old ?? [])
        let newLines = TextLines.of(new ?? [])
        let groups = Self.groups(LineDiff(oldLines, newLines).changes, oldLines.count)
        hunks = groups.count
        guard !groups.isEmpty || (old == nil) != (new == nil) else {
            text = ""
            return
        }
        var bytes: [UInt8] = []
        bytes += "--- \(old == nil ? "/dev/null" : Self.name("a/" + path))\n".utf8
        bytes += "+++ \(new == nil ? "/dev/null" : Self.name("b/" + path))\n".utf8
        for group in groups where bytes.count <= Self.mostBytes {
            Self.write(group, oldLines, newLines, to: &bytes)
        }
        if bytes.count > Self.mostBytes {
            bytes.removeLast(bytes.count - Self.mostBytes)
            bytes += "\n... and more, which is not shown\n".utf8
        }
        text = String(decoding: bytes, as: UTF8.self)
    }

    /// A name that could be taken for something else is quoted as in C, as git does.
    static func name(_ name: String) -> String {
        guard name.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") })
        else { return name }
        var quoted = "\""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case "\"", "\\": quoted += "\\\(scalar)"
            default:
                if scalar.value < 0x20 {
                    let octal = String(scalar.value, radix: 8)
                    quoted += "\\" + String(repeating: "0", count: 3 - octal.utf8.count) + octal
                } else {
                    quoted.unicodeScalars.append(scalar)
                }
            }
        }
        return quoted + "\""
    }

    /// Changes whose contexts touch belong to one hunk.
    private static func groups(_ changes: [LineDiff.Change], _ oldCount: Int) -> [[LineDiff.Change]] {
        var groups: [[LineDiff.Change]] = []
        for change in changes {
            if let last = groups.last?.last, change.old.lowerBound - last.old.upperBound <= 2 * context {
                groups[groups.count - 1].append(change)
            } else {
                groups.append([change])
            }
        }
        return groups
    }

    private static func write(
        _ group: [LineDiff.Change], _ old: [ArraySlice<UInt8>], _ new: [ArraySlice<UInt8>],
        to bytes: inout [UInt8]
    ) {
        guard let first = group.first, let last = group.last else { return }
        let before = min(context, first.old.lowerBound)
        let after = min(context, old.count - last.old.upperBound)
        let oldRange = (first.old.lowerBound - before)..<(last.old.upperBound + after)
        let newRange = (first.new.lowerBound - before)..<(last.new.upperBound + after)
        bytes += "@@ -\(position(oldRange)) +\(position(newRange)) @@\n".utf8
        var place = oldRange.lowerBound
        for change in group {
            for line in old[place..<change.old.lowerBound] { write(" ", line, to: &bytes) }
            for line in old[change.old] { write("-", line, to: &bytes) }
            for line in new[change.new] { write("+", line, to: &bytes) }
            place = change.old.upperBound
        }
        for line in old[place..<oldRange.upperBound] { write(" ", line, to: &bytes) }
    }

    /// A range without lines is named by the line before it.
    private static func position(_ range: Range<Int>) -> String {
        switch range.count {
        case 0: "\(range.lowerBound),0"
        case 1: "\(range.lowerBound + 1)"
        default: "\(range.lowerBound + 1),\(range.count)"
        }
    }

    private static func write(_ mark: Unicode.Scalar, _ line: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: mark))
        bytes += line
        if line.last != TextLines.newline { bytes += "\n\\ No newline at end of file\n".utf8 }
    }
}
