import Audit

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

    /// The columns that it takes on a terminal.
    package static func width(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { $0 + width($1) }
    }

    /// Its beginning that fits, with an ellipsis if that is not all.
    package static func cut(_ text: String, to columns: Int) -> String {
        guard width(text) > columns else { return text }
        guard columns > 0 else { return "" }
        var kept = String.UnicodeScalarView()
        var left = columns - 1
        for scalar in text.unicodeScalars {
            left -= width(scalar)
            if left < 0 { break }
            kept.append(scalar)
        }
        return String(kept) + "…"
    }

    private static func width(_ scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}
