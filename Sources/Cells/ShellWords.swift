/// A command as a person reads it, such that different commands never look the same: what the shell would take apart is
/// quoted, and what cannot be seen, or turns the direction of writing, is shown by its number.
package enum ShellWords {
    package static func quoted(_ words: [String]) -> String {
        words.map { quoted($0) }.joined(separator: " ")
    }

    private static func quoted(_ word: String) -> String {
        let scalars = word.unicodeScalars
        if !scalars.isEmpty, scalars.allSatisfy(isBare) { return word }
        guard scalars.allSatisfy(isVisible) else {
            return "$'" + scalars.map { escaped($0) }.joined() + "'"
        }
        return "'" + scalars.map { $0 == "'" ? "'\\''" : String($0) }.joined() + "'"
    }

    private static func isBare(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "%", "+", ",", "-", ".", "/", ":", "=", "@", "_": true
        default: false
        }
    }

    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return (0x20..<0x7F).contains(scalar.value) }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .surrogate,
            .privateUse, .unassigned:
            return false
        default: return true
        }
    }

    /// As `$'…'` of a shell takes it.
    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "'", "\\": return "\\" + String(scalar)
        case "\n": return "\\n"
        case "\t": return "\\t"
        case _ where isVisible(scalar): return String(scalar)
        default:
            let digits = String(scalar.value, radix: 16)
            return "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
        }
    }
}
