import Audit
import CNettle
import Linux

/// Numbers that travel through a client's hands and come back as they were, or are known not to: ChaCha20 and Poly1305,
/// under a key that ends with the daemon.
struct Seal: Sendable {
    private let key: [UInt8]

    init() throws(SystemError) { key = try Random.bytes(Int(CHACHA_POLY1305_KEY_SIZE)) }

    private static let nonceSize = Int(CHACHA_POLY1305_NONCE_SIZE)
    private static let tagSize = Int(CHACHA_POLY1305_DIGEST_SIZE)
    private static let numberSize = MemoryLayout<UInt64>.size

    func closed(_ number: UInt64) throws(SystemError) -> String {
        let nonce = try Random.bytes(Self.nonceSize)
        let plain = (0..<Self.numberSize).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        var hidden = [UInt8](repeating: 0, count: Self.numberSize)
        var context = context(nonce)
        unsafe nettle_chacha_poly1305_encrypt(&context, hidden.count, &hidden, plain)
        return Hexadecimal.text(nonce + hidden + Self.tag(&context))
    }

    /// `nil`: not one of ours, or changed.
    func opened(_ text: String) -> UInt64? {
        guard let bytes = Hexadecimal.decoded(text.utf8),
            bytes.count == Self.nonceSize + Self.numberSize + Self.tagSize
        else { return nil }
        var context = context(Array(bytes.prefix(Self.nonceSize)))
        var plain = [UInt8](repeating: 0, count: Self.numberSize)
        unsafe nettle_chacha_poly1305_decrypt(
            &context, plain.count, &plain, Array(bytes.dropFirst(Self.nonceSize).prefix(Self.numberSize)))
        // Without a branch that says how much of it was right.
        let difference = zip(Self.tag(&context), bytes.suffix(Self.tagSize)).reduce(0) { $0 | ($1.0 ^ $1.1) }
        guard difference == 0 else { return nil }
        return plain.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func context(_ nonce: [UInt8]) -> chacha_poly1305_ctx {
        var context = chacha_poly1305_ctx()
        unsafe nettle_chacha_poly1305_set_key(&context, key)
        unsafe nettle_chacha_poly1305_set_nonce(&context, nonce)
        return context
    }

    private static func tag(_ context: inout chacha_poly1305_ctx) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: tagSize) { buffer, count in
            unsafe nettle_chacha_poly1305_digest(&context, tagSize, buffer.baseAddress)
            count = tagSize
        }
    }
}
