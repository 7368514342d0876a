// The files that a patch names, for asking whether they may be changed. The cell reads the patch for itself;
// so this must not find fewer than it does. A line of a hunk can look like the head of a file, and is taken for
// one here: what is asked for then is more than what is needed, never less.

enum PatchNames {
    static func files(of patch: [UInt8]) throws(Arguments.Fault) -> [String] {
        let lines = patch.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var files: [String] = []
        for (number, line) in lines.enumerated().dropLast() where line.starts(with: "--- ".utf8) {
            let next = lines[number + 1]
            guard next.starts(with: "+++ ".utf8) else { continue }
            let old = try name(line.dropFirst(4), line: number + 1)
            let new = try name(next.dropFirst(4), line: number + 2)
            let file = new.map { stripped($0, "b/") } ?? old.map { stripped($0, "a/") }
            if let file, !file.isEmpty { files.append(file) }
        }
        return files
    }

    private static func stripped(_ name: String, _ prefix: String) -> String {
        name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
    }

    /// `nil` for /dev/null. What follows a tab is a time.
    private static func name(
        _ field: ArraySlice<UInt8>, line: Int
    ) throws(Arguments.Fault) -> String? {
        var bytes = field
        while bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        if bytes.first == UInt8(ascii: "\"") {
            guard let unquoted = unquoted(bytes.dropFirst()) else {
                throw Arguments.Fault("argument \"patch\": the quoted name in its line \(line) is broken")
            }
            bytes = unquoted[...]
        } else if let tab = bytes.firstIndex(of: UInt8(ascii: "\t")) {
            bytes = bytes[..<tab]
        }
        guard let name = String(validating: bytes, as: UTF8.self) else {
            throw Arguments.Fault("argument \"patch\": the name in its line \(line) is not UTF-8")
        }
        return name == "/dev/null" ? nil : name
    }

    /// As git quotes: backslashes before quotes and backslashes, \n, \t, and three octal digits.
    private static func unquoted(_ field: ArraySlice<UInt8>) -> [UInt8]? {
        var name: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") { return name }
            guard byte == UInt8(ascii: "\\") else {
                name.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "n"): name.append(UInt8(ascii: "\n"))
            case UInt8(ascii: "t"): name.append(UInt8(ascii: "\t"))
            case UInt8(ascii: "\""): name.append(UInt8(ascii: "\""))
            case UInt8(ascii: "\\"): name.append(UInt8(ascii: "\\"))
            case let digit?:
                let digits = [digit] + rest.prefix(2)
                guard digits.count == 3, let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
                else { return nil }
                name.append(code)
                rest = rest.dropFirst(2)
            case nil: return nil
            }
        }
        return nil
    }
}
