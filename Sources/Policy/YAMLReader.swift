// From the events of libyaml to nodes. What makes YAML dangerous is left out: anchors and aliases (a few lines of
// which can stand for millions), tags, merge keys, several documents, keys that are not words, keys that occur twice.

import YAML

struct YAMLReader {
    static let deepest = 16
    static let mostNodes = 200_000

    private let file: String
    private let events: YAMLEvents
    private var nodes = 0

    /// `nil` for a text that says nothing.
    static func read(_ bytes: [UInt8], named file: String) throws(PolicyFault) -> YAMLNode? {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw PolicyFault(file, nil, "it is not UTF-8")
        }
        var reader = YAMLReader(file: file, events: YAMLEvents(bytes))
        return try reader.document()
    }

    private init(file: String, events: YAMLEvents) { (self.file, self.events) = (file, events) }

    private mutating func document() throws(PolicyFault) -> YAMLNode? {
        var root: YAMLNode?
        while true {
            let event = try next()
            switch event.kind {
            case .start: continue
            case .documentStart:
                guard root == nil else {
                    throw fault(event.place, "a second document begins; one file has one")
                }
                let first = try next()
                root = try node(first, depth: 0)
            case .documentEnd: continue
            case .end: return root
            default: throw fault(event.place, "this is no YAML document")
            }
        }
    }

    private func next() throws(PolicyFault) -> YAMLEvents.Event {
        switch events.next() {
        case .success(let event): return event
        case .failure(let problem): throw fault(problem.place, problem.text)
        }
    }

    private func fault(_ place: TextPlace, _ problem: String) -> PolicyFault {
        PolicyFault(file, place, problem)
    }

    private mutating func node(_ event: YAMLEvents.Event, depth: Int) throws(PolicyFault) -> YAMLNode {
        nodes += 1
        guard nodes <= Self.mostNodes else { throw fault(event.place, "the file has too many parts") }
        guard depth < Self.deepest else { throw fault(event.place, "this is nested too deeply") }
        guard !event.hasAnchor else { throw fault(event.place, "anchors (&) are not part of this language") }
        guard !event.hasTag else { throw fault(event.place, "tags (!) are not part of this language") }
        switch event.kind {
        case .scalar(let text): return YAMLNode(content: .scalar(text), place: event.place)
        case .listStart: return YAMLNode(content: .list(try list(depth)), place: event.place)
        case .mapStart: return YAMLNode(content: .map(try map(depth)), place: event.place)
        case .alias: throw fault(event.place, "aliases (*) are not part of this language")
        default: throw fault(event.place, "something is missing here")
        }
    }

    private mutating func list(_ depth: Int) throws(PolicyFault) -> [YAMLNode] {
        var elements: [YAMLNode] = []
        while true {
            let event = try next()
            if event.kind == .listEnd { return elements }
            elements.append(try node(event, depth: depth + 1))
        }
    }

    private mutating func map(_ depth: Int) throws(PolicyFault) -> [YAMLNode.Member] {
        var members: [YAMLNode.Member] = []
        var places: [String: TextPlace] = [:]
        while true {
            let event = try next()
            if event.kind == .mapEnd { return members }
            let key = try node(event, depth: depth + 1)
            guard case .scalar(let name) = key.content else {
                throw fault(key.place, "a key is a word, and not \(key.kind)")
            }
            if let first = places.updateValue(key.place, forKey: name) {
                throw fault(key.place, "\(name) stands twice here, first in line \(first.line)")
            }
            let value = try next()
            members.append(
                YAMLNode.Member(key: name, place: key.place, value: try node(value, depth: depth + 1)))
        }
    }
}
