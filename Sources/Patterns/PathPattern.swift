// A pattern of absolute paths, by bytes:
//
//   /srv/data         this file
//   /srv/data/**      all that is below, at any depth, and the directory itself
//   ~/src/*.c         `~` is the home of the client's user; `*` and `?` stay within one name
//   /srv/{a,b}/x      one of these; expanded before anything else
//
// A path is made of names; a pattern is too. Each name is matched by itself, so a slash is only ever matched by a
// slash, and `**` stands for any number of names. Only the last `**` and within a name the last `*` are tried again:
// no pattern takes more steps than the product of both lengths.

package struct PathPattern: Hashable, Sendable {
    package typealias Fault = NamePattern.Fault

    package enum Step: Hashable, Sendable {
        case literal([UInt8])
        case name(NamePattern)
        case anyDepth
    }

    /// Below the home of whoever is decided about.
    package let isBelowHome: Bool
    package let steps: [Step]
    /// The path that whatever it matches begins with: most patterns are about somewhere else, and seen to be at once.
    let head: [UInt8]

    package static let mostAlternatives = 64
    package static let longest = 4096

    /// All patterns that this text stands for: more than one where it has braces.
    package static func patterns(_ text: String) throws(Fault) -> [PathPattern] {
        guard text.utf8.count <= longest else { throw Fault("it is longer than \(longest) bytes") }
        guard !text.utf8.contains(0) else { throw Fault("it has a NUL in it") }
        var texts: [[UInt8]] = []
        try expand(Array(text.utf8), into: &texts)
        var patterns: [PathPattern] = []
        for text in texts { patterns.append(try PathPattern(text)) }
        return patterns
    }

    init(isBelowHome: Bool, steps: [Step]) {
        (self.isBelowHome, self.steps) = (isBelowHome, steps)
        var head: [UInt8] = []
        for case .literal(let name) in steps.prefix(while: { if case .literal = $0 { true } else { false } })
        {
            head.append(UInt8(ascii: "/"))
            head += name
        }
        self.head = head
    }

    init(_ text: [UInt8]) throws(Fault) {
        let slash = UInt8(ascii: "/")
        let isHome = text.first == UInt8(ascii: "~")
        let rest = isHome ? text.dropFirst() : text[...]
        guard rest.first == slash || isHome && rest.isEmpty else {
            throw Fault("it begins neither with / nor with ~/")
        }
        var steps: [Step] = []
        for part in rest.split(separator: slash) {
            if part.elementsEqual("..".utf8) || part.elementsEqual(".".utf8) {
                throw Fault("it has a part that is . or ..")
            }
            if part.elementsEqual("**".utf8) {
                // Two side by side say no more than one.
                if steps.last != .anyDepth { steps.append(.anyDepth) }
            } else {
                let pattern = try NamePattern(part)
                steps.append(pattern.literal.map { .literal($0) } ?? .name(pattern))
            }
        }
        self.init(isBelowHome: isHome, steps: steps)
    }

    // MARK: Braces

    /// The first pair of braces that belong together, outermost, and its alternatives; each is expanded in turn.
    private static func expand(_ text: [UInt8], into texts: inout [[UInt8]]) throws(Fault) {
        guard let braces = try firstBraces(in: text) else {
            guard texts.count < mostAlternatives else {
                throw Fault("its braces stand for more than \(mostAlternatives) patterns")
            }
            return texts.append(text)
        }
        for alternative in braces.alternatives {
            let (before, after) = (text[..<braces.range.lowerBound], text[braces.range.upperBound...])
            try expand(Array(before) + alternative + after, into: &texts)
        }
    }

    private static func firstBraces(
        in text: [UInt8]
    ) throws(Fault) -> (range: Range<Int>, alternatives: [ArraySlice<UInt8>])? {
        var (start, depth, from): (Int?, Int, Int) = (nil, 0, 0)
        var alternatives: [ArraySlice<UInt8>] = []
        var place = 0
        while place < text.count {
            switch text[place] {
            case UInt8(ascii: "\\"): place += 1
            case UInt8(ascii: "{"):
                if depth == 0 { (start, from) = (place, place + 1) }
                depth += 1
            case UInt8(ascii: ",") where depth == 1:
                alternatives.append(text[from..<place])
                from = place + 1
            case UInt8(ascii: "}"):
                guard depth > 0 else { throw Fault("a } in it has no {") }
                depth -= 1
                if depth == 0, let start {
                    alternatives.append(text[from..<place])
                    return (start..<(place + 1), alternatives)
                }
            default: break
            }
            place += 1
        }
        if start != nil { throw Fault("a { in it has no }") }
        return nil
    }

    // MARK: What it stands for

    /// Below this home: an absolute pattern. `nil` where it asks for a home and there is none.
    package func absolute(home: String?) -> PathPattern? {
        guard isBelowHome else { return self }
        guard let home, home.utf8.first == UInt8(ascii: "/") else { return nil }
        let names = home.utf8.split(separator: UInt8(ascii: "/")).map { Step.literal(Array($0)) }
        // A home that is the root itself is nobody's to give.
        return names.isEmpty ? nil : PathPattern(isBelowHome: false, steps: names + steps)
    }

    /// The directory that it is all of, where nothing else of it is a wildcard: `/srv/data` of `/srv/data/**`.
    package var tree: String? {
        guard !isBelowHome, steps.last == .anyDepth, steps.count > 1 else { return nil }
        var path: [UInt8] = []
        for step in steps.dropLast() {
            guard case .literal(let name) = step else { return nil }
            path.append(UInt8(ascii: "/"))
            path += name
        }
        return String(validating: path, as: UTF8.self)
    }
}
