// Keys as files: the PEM that openssl reads and writes (RFC 8410), so that nobody needs Cloister to verify what it
// signed:
//
//   printf 'cloister-audit-checkpoint 1000 9ac…' >message
//   openssl pkeyutl -verify -pubin -inkey key.pub -rawin -in message -sigfile signature

extension PublicKey {
    /// SubjectPublicKeyInfo for id-Ed25519, up to the key.
    private static let prefix: [UInt8] = [
        0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00,
    ]

    package var pem: String { PEM.text("PUBLIC KEY", Self.prefix + bytes) }

    package init?(pem text: String) {
        guard let content = PEM.content("PUBLIC KEY", of: text), content.starts(with: Self.prefix) else {
            return nil
        }
        self.init(Array(content.dropFirst(Self.prefix.count)))
    }
}

extension SigningKey {
    /// OneAsymmetricKey for id-Ed25519, up to the seed.
    private static let prefix: [UInt8] = [
        0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ]

    package var pem: String { PEM.text("PRIVATE KEY", Self.prefix + seed) }

    package init?(pem text: String) {
        guard let content = PEM.content("PRIVATE KEY", of: text), content.starts(with: Self.prefix) else {
            return nil
        }
        self.init(seed: Array(content.dropFirst(Self.prefix.count)))
    }
}

/// Contents of one line, which is all that a key of 32 bytes needs.
private enum PEM {
    private static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func text(_ label: String, _ content: [UInt8]) -> String {
        "-----BEGIN \(label)-----\n\(base64(content))\n-----END \(label)-----\n"
    }

    static func content(_ label: String, of text: String) -> [UInt8]? {
        let lines = text.utf8.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D })
        guard lines.count == 3, lines[0].elementsEqual("-----BEGIN \(label)-----".utf8),
            lines[2].elementsEqual("-----END \(label)-----".utf8)
        else { return nil }
        return decoded(lines[1])
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let piece = bytes[start..<min(start + 3, bytes.count)]
            let word = piece.reduce(0 as UInt32) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - piece.count))
            for place in 0..<4 {
                let digit = digits[Int(word >> (18 - 6 * UInt32(place)) & 63)]
                text.append(place <= piece.count ? digit : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func decoded(_ text: some Collection<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var (word, bits): (UInt32, Int) = (0, 0)
        for character in text where character != UInt8(ascii: "=") {
            guard let digit = digits.firstIndex(of: character) else { return nil }
            word = (word << 6 | UInt32(digit)) & 0xFFFF
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            }
        }
        return bytes
    }
}
