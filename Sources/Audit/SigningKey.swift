import CNettle

/// Half of an Ed25519 key pair (RFC 8032) that may be seen by everybody, and is enough to verify.
package struct PublicKey: Hashable, Sendable {
    package static let size = 32

    package let bytes: [UInt8]

    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.size else { return nil }
        self.bytes = bytes
    }

    package func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard signature.count == SigningKey.signatureSize else { return false }
        return unsafe nettle_ed25519_sha512_verify(bytes, message.count, message, signature) == 1
    }
}

/// The half that signs.
package struct SigningKey: Sendable {
    package static let size = 32
    package static let signatureSize = 64

    let seed: [UInt8]
    package let publicKey: PublicKey

    /// Of 32 random bytes.
    package init?(seed: [UInt8]) {
        guard seed.count == Self.size else { return nil }
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: PublicKey.size) { buffer, count in
            unsafe nettle_ed25519_sha512_public_key(buffer.baseAddress, seed)
            count = PublicKey.size
        }
        guard let key = PublicKey(bytes) else { return nil }
        (self.seed, publicKey) = (seed, key)
    }

    package func signature(of message: [UInt8]) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: Self.signatureSize) { buffer, count in
            unsafe nettle_ed25519_sha512_sign(
                publicKey.bytes, seed, message.count, message, buffer.baseAddress)
            count = Self.signatureSize
        }
    }
}
