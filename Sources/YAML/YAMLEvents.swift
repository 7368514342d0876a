import CYAML

/// libyaml's parser over bytes that stay where they are.
@safe package final class YAMLEvents {
    package enum Kind: Equatable {
        case start, end, documentStart, documentEnd, alias
        case scalar(String)
        case listStart, listEnd, mapStart, mapEnd
    }

    package struct Event {
        package let kind: Kind
        package let place: TextPlace
        /// Which characters of the text it is, a mark of their order not counted. A list or mapping without brackets,
        /// and a text without quotes over several lines, end where the next thing begins.
        package let characters: Range<Int>
        /// Written in brackets or quotes, as in JSON.
        package let isFlow: Bool
        package let hasAnchor: Bool
        package let hasTag: Bool
    }

    package struct Problem: Error {
        package let place: TextPlace
        package let text: String
    }

    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let text: UnsafeMutableBufferPointer<UInt8>

    package init(_ bytes: [UInt8]) {
        unsafe text = .allocate(capacity: bytes.count)
        _ = unsafe text.initialize(from: bytes)
        unsafe yaml_parser_initialize(parser)
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, text.baseAddress, text.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe text.deallocate()
    }

    package func next() -> Result<Event, Problem> {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { return .failure(problem) }
        defer { unsafe yaml_event_delete(&event) }
        let mark = unsafe event.start_mark
        let place = TextPlace(line: mark.line + 1, column: mark.column + 1)
        let kind: Kind
        var isFlow = false
        var (anchor, tag): (UnsafeMutablePointer<yaml_char_t>?, UnsafeMutablePointer<yaml_char_t>?) = (
            nil, nil
        )
        switch unsafe event.type {
        case YAML_STREAM_START_EVENT: kind = .start
        case YAML_DOCUMENT_START_EVENT: kind = .documentStart
        case YAML_DOCUMENT_END_EVENT: kind = .documentEnd
        case YAML_ALIAS_EVENT: kind = .alias
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            kind = unsafe .scalar(
                String(
                    decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self))
            unsafe (anchor, tag) = (scalar.anchor, scalar.tag)
            unsafe isFlow =
                scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE
                || scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE
        case YAML_SEQUENCE_START_EVENT:
            kind = .listStart
            unsafe (anchor, tag) = (event.data.sequence_start.anchor, event.data.sequence_start.tag)
            unsafe isFlow = event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
        case YAML_SEQUENCE_END_EVENT: kind = .listEnd
        case YAML_MAPPING_START_EVENT:
            kind = .mapStart
            unsafe (anchor, tag) = (event.data.mapping_start.anchor, event.data.mapping_start.tag)
            unsafe isFlow = event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
        case YAML_MAPPING_END_EVENT: kind = .mapEnd
        default: kind = .end
        }
        let characters = unsafe mark.index..<max(mark.index, event.end_mark.index)
        return unsafe .success(
            Event(
                kind: kind, place: place, characters: characters, isFlow: isFlow, hasAnchor: anchor != nil,
                hasTag: tag != nil))
    }

    private var problem: Problem {
        let mark = unsafe parser.pointee.problem_mark
        let words = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "it cannot be read"
        return Problem(
            place: TextPlace(line: mark.line + 1, column: mark.column + 1), text: "this is not YAML: \(words)"
        )
    }
}
