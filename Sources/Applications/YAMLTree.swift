import YAML

/// A YAML text as libyaml understands it, with the bytes at which things stand.
struct YAMLTree {
    struct Node: Sendable {
        enum Kind: Sendable { case text(String), list([Node]), mapping([Member]), other }

        let kind: Kind
        /// Of a list or a mapping without brackets: to behind the last thing in it.
        let range: Range<Int>
        let isFlow: Bool
        /// Named, or the same as something that is named: what changes here may change elsewhere.
        let isShared: Bool

        var word: String? { if case .text(let text) = kind { text } else { nil } }
        var members: [Member]? { if case .mapping(let members) = kind { members } else { nil } }
        /// Nothing, or a word for it.
        var isMissing: Bool { !isFlow && !isShared && ["", "~", "null"].contains(word?.lowercased()) }
    }

    struct Member: Sendable {
        let key: Node
        let value: Node
    }

    /// `nil` for a text that says nothing.
    let root: Node?

    init(_ text: SettingsText) throws(SettingsFault) {
        var reader = Reader(text)
        root = try reader.document()
    }

    private struct Reader {
        let events: YAMLEvents
        let start: Int
        /// Of each character, where there are others than those of one byte.
        let offsets: [Int]?

        init(_ text: SettingsText) {
            start = text.start
            let bytes = Array(text.bytes[start...])
            events = YAMLEvents(bytes)
            let starts = bytes.indices.filter { bytes[$0] & 0xC0 != 0x80 }
            offsets = starts.count == bytes.count ? nil : starts + [bytes.count]
        }

        func bytes(_ characters: Range<Int>) -> Range<Int> {
            let first = offsets?[characters.lowerBound] ?? characters.lowerBound
            let end = offsets?[characters.upperBound] ?? characters.upperBound
            return first + start..<end + start
        }

        func next() throws(SettingsFault) -> YAMLEvents.Event {
            switch events.next() {
            case .success(let event): return event
            case .failure(let problem): throw SettingsFault(problem.place, problem.text)
            }
        }

        mutating func document() throws(SettingsFault) -> Node? {
            var root: Node?
            while true {
                let event = try next()
                switch event.kind {
                case .end: return root
                case .documentStart:
                    guard root == nil else {
                        throw SettingsFault(event.place, "a second document begins here; one file has one")
                    }
                    root = try node(try next(), depth: 0)
                default: continue
                }
            }
        }

        mutating func node(_ event: YAMLEvents.Event, depth: Int) throws(SettingsFault) -> Node {
            guard depth < CommentedJSON.deepest else {
                throw SettingsFault(event.place, "this is nested too deeply")
            }
            let begin = bytes(event.characters)
            var (end, kind) = (begin.upperBound, Node.Kind.other)
            var isShared = event.hasAnchor || event.hasTag
            switch event.kind {
            case .scalar(let word): kind = .text(word)
            case .listStart:
                var elements: [Node] = []
                while let element = try nodeBefore(.listEnd, depth, &end) { elements.append(element) }
                kind = .list(elements)
                if !event.isFlow { end = elements.last?.range.upperBound ?? begin.upperBound }
            case .mapStart:
                var members: [Member] = []
                while let key = try nodeBefore(.mapEnd, depth, &end) {
                    members.append(Member(key: key, value: try node(try next(), depth: depth + 1)))
                }
                kind = .mapping(members)
                if !event.isFlow { end = members.last?.value.range.upperBound ?? begin.upperBound }
            default: isShared = true
            }
            return Node(
                kind: kind, range: begin.lowerBound..<max(begin.lowerBound, end), isFlow: event.isFlow,
                isShared: isShared)
        }

        /// `nil` at the end, which is then known.
        mutating func nodeBefore(
            _ kind: YAMLEvents.Kind, _ depth: Int, _ end: inout Int
        ) throws(SettingsFault) -> Node? {
            let event = try next()
            guard event.kind == kind else { return try node(event, depth: depth + 1) }
            end = bytes(event.characters).upperBound
            return nil
        }
    }
}
