// Globs as .gitignore and shells have them: `*` and `?` within a name, `[a-z]`, `[!a-z]`, `{one,two}`, `\`
// before what shall mean itself, and `**` for any number of directories. One without a slash is about the
// last name of a path, wherever it is; one with a slash is about the whole relative path.
//
// Matching steps back to the last `*` (or `**`) alone, which is enough and keeps its time within the
// product of both lengths: no pattern is costly.

import Cells

struct Glob: Sendable {
    private enum Token: Equatable, Sendable {
        case byte(UInt8)
        case any
        case star
        /// Ranges, and whether they are what must not be.
        case set([ClosedRange<UInt8>], isNegated: Bool)
    }

    private enum Part: Equatable, Sendable {
        case name([Token])
        case directories
    }

    private static let mostAlternatives = 64

    private let alternatives: [[Part]]
    private let isAboutPath: Bool

    init(_ text: String) throws(CellFailure) {
        var bytes = Array(text.utf8)
        isAboutPath = bytes.contains(UInt8(ascii: "/"))
        if bytes.first == UInt8(ascii: "/") { bytes.removeFirst() }
        if bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        guard !bytes.isEmpty else { throw Self.fault(text, "it is empty") }
        alternatives = try Self.withoutBraces(bytes, of: text).map { (bytes) throws(CellFailure) in
            let parts: [Part] = try bytes.split(
                separator: UInt8(ascii: "/"), omittingEmptySubsequences: false
            ).map {
                (part) throws(CellFailure) in
                part.elementsEqual("**".utf8) ? .directories : .name(try Self.tokens(part, of: text))
            }
            // At the end it stands for what is in a directory, and not for the directory.
            return parts.last == .directories ? parts + [.name([.star])] : parts
        }
    }

    private static func fault(_ text: String, _ problem: String) -> CellFailure {
        CellFailure(.badPattern, "The glob \(text) cannot be used: \(problem).")
    }

    // MARK: Reading

    private static func withoutBraces(_ bytes: [UInt8], of text: String) throws(CellFailure) -> [[UInt8]] {
        var done: [[UInt8]] = []
        var waiting = [bytes]
        while let next = waiting.popLast() {
            guard let group = try firstGroup(next, of: text) else {
                done.append(next)
                continue
            }
            for choice in group.choices {
                waiting.append(
                    Array(next[..<group.range.lowerBound] + choice + next[group.range.upperBound...]))
            }
            guard done.count + waiting.count <= mostAlternatives else {
                throw fault(text, "its braces stand for more than \(mostAlternatives) globs")
            }
        }
        return done
    }

    /// The first outermost `{…}`, and what its commas separate.
    private static func firstGroup(
        _ bytes: [UInt8], of text: String
    ) throws(CellFailure) -> (range: Range<Int>, choices: [ArraySlice<UInt8>])? {
        var depth = 0
        var start = 0
        var choiceStart = 0
        var choices: [ArraySlice<UInt8>] = []
        var place = 0
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "\\"): place += 1
            case UInt8(ascii: "{"):
                if depth == 0 { (start, choiceStart) = (place, place + 1) }
                depth += 1
            case UInt8(ascii: ",") where depth == 1:
                choices.append(bytes[choiceStart..<place])
                choiceStart = place + 1
            case UInt8(ascii: "}") where depth > 0:
                depth -= 1
                if depth == 0 {
                    return (start..<(place + 1), choices + [bytes[choiceStart..<place]])
                }
            default: break
            }
            place += 1
        }
        guard depth == 0 else { throw fault(text, "a { is not closed") }
        return nil
    }

    private static func tokens(_ part: ArraySlice<UInt8>, of text: String) throws(CellFailure) -> [Token] {
        var tokens: [Token] = []
        var rest = part
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "?"): tokens.append(.any)
            case UInt8(ascii: "*"): if tokens.last != .star { tokens.append(.star) }
            case UInt8(ascii: "["): tokens.append(try set(&rest, of: text))
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst() else { throw fault(text, "nothing follows its \\") }
                tokens.append(.byte(escaped))
            default: tokens.append(.byte(byte))
            }
        }
        return tokens
    }

    private static func set(_ rest: inout ArraySlice<UInt8>, of text: String) throws(CellFailure) -> Token {
        var isNegated = false
        if rest.first == UInt8(ascii: "!") || rest.first == UInt8(ascii: "^") {
            isNegated = true
            rest.removeFirst()
        }
        var ranges: [ClosedRange<UInt8>] = []
        while let low = rest.popFirst() {
            if low == UInt8(ascii: "]"), !ranges.isEmpty { return .set(ranges, isNegated: isNegated) }
            guard rest.first == UInt8(ascii: "-"), let high = rest.dropFirst().first,
                high != UInt8(ascii: "]")
            else {
                ranges.append(low...low)
                continue
            }
            guard low <= high else { throw fault(text, "a range in [ ] is the wrong way round") }
            ranges.append(low...high)
            rest.removeFirst(2)
        }
        throw fault(text, "a [ is not closed")
    }

    // MARK: Matching

    /// A relative path, and its last name.
    func matches(path: some Collection<UInt8>, name: some Collection<UInt8>) -> Bool {
        if !isAboutPath {
            let name = Array(name)
            return alternatives.contains { parts in
                if case .name(let tokens) = parts[0] { Self.matches(tokens, name) } else { true }
            }
        }
        let names = path.split(separator: UInt8(ascii: "/")).map { Array($0) }
        return alternatives.contains { parts in
            Self.matches(parts, names, isWild: { $0 == .directories }) { part, name in
                if case .name(let tokens) = part { Self.matches(tokens, name) } else { true }
            }
        }
    }

    private static func matches(_ tokens: [Token], _ name: [UInt8]) -> Bool {
        matches(tokens, name, isWild: { $0 == .star }) { token, byte in
            switch token {
            case .byte(let wanted): wanted == byte
            case .any, .star: true
            case .set(let ranges, let isNegated): ranges.contains { $0.contains(byte) } != isNegated
            }
        }
    }

    /// Where a pattern's wild element stands for any number of elements, and each other one for one.
    private static func matches<Token, Element>(
        _ pattern: [Token], _ elements: [Element], isWild: (Token) -> Bool,
        one: (Token, Element) -> Bool
    ) -> Bool {
        var place = 0
        var element = 0
        var resume: (place: Int, element: Int)?
        while element < elements.count {
            if place < pattern.count, isWild(pattern[place]) {
                resume = (place, element)
                place += 1
            } else if place < pattern.count, one(pattern[place], elements[element]) {
                place += 1
                element += 1
            } else if let back = resume {
                resume = (back.place, back.element + 1)
                (place, element) = (back.place + 1, back.element + 1)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy(isWild)
    }
}
