/// Text that somebody else chose, made fit to be looked at: what commands a terminal, begins a line or turns the
/// direction of writing is shown by its number, `\u{202E}`.
package enum ShownText {
    package static func plain(_ text: String) -> String {
        guard !text.unicodeScalars.allSatisfy(\.isPlain) else { return text }
        var shown = ""
        for scalar in text.unicodeScalars {
            if scalar.isPlain {
                shown.unicodeScalars.append(scalar)
            } else if scalar == "\n" {
                shown += "\\n"
            } else {
                shown += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            }
        }
        return shown
    }

    /// Of a JSON text, in which such characters stand in strings alone.
    package static func json(_ text: [UInt8]) -> [UInt8] {
        let string = String(decoding: text, as: UTF8.self)
        guard !string.unicodeScalars.allSatisfy(\.isPlain) else { return text }
        var shown = ""
        for scalar in string.unicodeScalars {
            if scalar.isPlain {
                shown.unicodeScalars.append(scalar)
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                shown += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return Array(shown.utf8)
    }
}

extension Unicode.Scalar {
    /// Nothing that commands a terminal, begins a line or turns the direction of text.
    package var isPlain: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: false
        default: true
        }
    }
}
