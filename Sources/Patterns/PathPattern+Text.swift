extension PathPattern {
    package static let everything = PathPattern(isBelowHome: false, steps: [.anyDepth])

    /// As it would be written: what is read from it is the same pattern again.
    package var text: [UInt8] {
        var text: [UInt8] = isBelowHome ? [UInt8(ascii: "~")] : []
        for step in steps {
            text.append(UInt8(ascii: "/"))
            switch step {
            case .literal(let name): for byte in name { Self.append(byte, to: &text) }
            case .anyDepth: text += "**".utf8
            case .name(let pattern): Self.append(pattern, to: &text)
            }
        }
        return text.isEmpty ? [UInt8(ascii: "/")] : text
    }

    /// One pattern without braces, as `text` gives it.
    package init?(absolute text: [UInt8]) {
        guard text.first == UInt8(ascii: "/"), let pattern = try? PathPattern(text) else { return nil }
        self = pattern
    }

    private static func append(_ byte: UInt8, to text: inout [UInt8]) {
        if "*?[]\\{},~".utf8.contains(byte) { text.append(UInt8(ascii: "\\")) }
        text.append(byte)
    }

    private static func append(_ pattern: NamePattern, to text: inout [UInt8]) {
        for piece in pattern.pieces {
            switch piece {
            case .byte(let byte): append(byte, to: &text)
            case .one: text.append(UInt8(ascii: "?"))
            case .any: text.append(UInt8(ascii: "*"))
            case .set(let ranges, let isNegated):
                text += isNegated ? "[!".utf8 : "[".utf8
                for range in ranges {
                    text.append(range.lowerBound)
                    if range.count > 1 { text += [UInt8(ascii: "-"), range.upperBound] }
                }
                text.append(UInt8(ascii: "]"))
            }
        }
    }
}

extension PathNames {
    package func isBelow(_ name: StaticString) -> Bool {
        names.first.map { bytes[$0].elementsEqual(name.description.utf8) } ?? false
    }
}
