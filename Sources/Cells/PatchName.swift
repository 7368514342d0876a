/// The name of a file as the head of a unified diff has it, behind `--- ` or `+++ `.
package enum PatchName {
    package enum Fault: Error {
        case notUTF8, brokenQuote, openQuote
    }

    /// `nil` for /dev/null. What follows a tab is a time.
    package static func read(_ field: ArraySlice<UInt8>) throws(Fault) -> String? {
        var bytes = field
        while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") {
            bytes.removeLast()
        }
        if bytes.first == UInt8(ascii: "\"") {
            bytes = try unquoted(bytes.dropFirst())[...]
        } else if let tab = bytes.firstIndex(of: UInt8(ascii: "\t")) {
            bytes = bytes[..<tab]
        }
        guard let name = String(validating: bytes, as: UTF8.self) else {
            throw Fault.notUTF8
        }
        return name == "/dev/null" ? nil : name
    }

    /// Without what git puts before it: `a/` before the old name, `b/` before the new one.
    package static func stripped(_ name: String, of prefix: String) -> String {
        name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
    }

    /// As git quotes: backslashes before quotes and backslashes, \n, \t, and three octal digits.
    private static func unquoted(_ field: ArraySlice<UInt8>) throws(Fault) -> [UInt8] {
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
            case let digit? where (UInt8(ascii: "0")...UInt8(ascii: "3")).contains(digit):
                let digits = [digit] + rest.prefix(2)
                guard let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8), digits.count == 3
                else { throw Fault.brokenQuote }
                name.append(code)
                rest = rest.dropFirst(2)
            default: throw Fault.brokenQuote
            }
        }
        throw Fault.openQuote
    }
}
