import CNettle

/// A SHA-256.
package struct Digest: Hashable, Sendable, CustomStringConvertible {
    package static let size = 32

    package let bytes: [UInt8]

    private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    package init(of data: Span<UInt8>) {
        var computation = Computation()
        computation.add(data)
        self = computation.digest()
    }

    /// Of what comes piece by piece.
    package struct Computation {
        private var context = sha256_ctx()

        package init() { unsafe nettle_sha256_init(&context) }

        package mutating func add(_ data: Span<UInt8>) {
            unsafe data.withUnsafeBufferPointer {
                unsafe nettle_sha256_update(&context, $0.count, $0.baseAddress)
            }
        }

        /// Of all that was added; after that it begins anew.
        package mutating func digest() -> Digest {
            Digest(
                unchecked: unsafe [UInt8](unsafeUninitializedCapacity: Digest.size) { buffer, count in
                    unsafe nettle_sha256_digest(&context, Digest.size, buffer.baseAddress)
                    count = Digest.size
                })
        }
    }

    package init(of data: [UInt8]) { self.init(of: data.span) }

    /// From 64 small hexadecimal digits.
    package init?(hexadecimal text: some Collection<UInt8>) {
        guard let bytes = Hexadecimal.decoded(text), bytes.count == Self.size else { return nil }
        self.init(unchecked: bytes)
    }

    /// What stands before the first record.
    package static let zero = Digest(unchecked: [UInt8](repeating: 0, count: size))

    package var description: String { Hexadecimal.text(bytes) }
}

/// Bytes as pairs of small digits; nothing else is read, so that every value has one spelling.
package enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    package static func append(_ bytes: [UInt8], to line: inout [UInt8]) {
        for byte in bytes {
            line.append(digits[Int(byte >> 4)])
            line.append(digits[Int(byte & 15)])
        }
    }

    package static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(2 * bytes.count)
        append(bytes, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    package static func decoded(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        var high: UInt8?
        for character in text {
            guard let digit = value(character) else { return nil }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return bytes
    }

    private static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
