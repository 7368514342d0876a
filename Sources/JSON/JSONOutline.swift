/// The members of an object, found without a look at what they are: for a text that is known to be JSON, such as one
/// that we have written. What is in a value is stepped over.
package struct JSONOutline: Sendable {
    private typealias Member = (key: ArraySlice<UInt8>, value: ArraySlice<UInt8>)
    private let members: [Member]

    /// `nil` where there is no object, or not all of it.
    package init?(_ text: ArraySlice<UInt8>) {
        let (bytes, first) = (text.span, text.startIndex)
        var members: [Member] = []
        var position = Self.behindSpace(bytes, 0)
        guard position < bytes.count, bytes[position] == UInt8(ascii: "{") else { return nil }
        position = Self.behindSpace(bytes, position + 1)
        while position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
            let key = position + 1
            guard let endOfKey = Self.endOfString(bytes, key) else { return nil }
            position = Self.behindSpace(bytes, endOfKey)
            guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else { return nil }
            let value = Self.behindSpace(bytes, position + 1)
            guard let endOfValue = Self.endOfValue(bytes, value) else { return nil }
            members.append(
                (text[first + key..<first + endOfKey - 1], text[first + value..<first + endOfValue]))
            position = Self.behindSpace(bytes, endOfValue)
            guard position < bytes.count, bytes[position] == UInt8(ascii: ",") else { break }
            position = Self.behindSpace(bytes, position + 1)
        }
        guard position < bytes.count, bytes[position] == UInt8(ascii: "}") else { return nil }
        self.members = members
    }

    /// The first of that name, as it is written.
    package subscript(name: StaticString) -> ArraySlice<UInt8>? {
        let name = unsafe UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        return members.first { unsafe $0.key.elementsEqual(name) }?.value
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    private static func behindSpace(_ bytes: Span<UInt8>, _ start: Int) -> Int {
        var position = start
        while position < bytes.count, isSpace(bytes[position]) { position += 1 }
        return position
    }

    /// From behind the opening quote to behind the closing one.
    private static func endOfString(_ bytes: Span<UInt8>, _ start: Int) -> Int? {
        var position = start
        while position < bytes.count {
            let byte = bytes[position]
            position += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return position }
        }
        return nil
    }

    private static func endOfValue(_ bytes: Span<UInt8>, _ start: Int) -> Int? {
        var (position, depth) = (start, 0)
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                guard let end = endOfString(bytes, position + 1) else { return nil }
                position = end
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
                continue
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                position += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"),
                _ where isSpace(byte):
                position += 1
                continue
            default:
                position = endOfWord(bytes, position)
            }
            if depth == 0 { return position }
        }
        return nil
    }

    /// Of a number, or of true, false and null.
    private static func endOfWord(_ bytes: Span<UInt8>, _ start: Int) -> Int {
        var position = start
        while position < bytes.count {
            let byte = bytes[position]
            guard byte != UInt8(ascii: ","), byte != UInt8(ascii: "]"), byte != UInt8(ascii: "}"),
                !isSpace(byte)
            else { break }
            position += 1
        }
        return position
    }
}
