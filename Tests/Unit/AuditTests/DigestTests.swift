import Audit
import Linux
import TestSupport
import Testing

@Suite struct DigestTests {
    @Test(
        "SHA-256 is that of FIPS 180-4",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func knownDigests(text: String, digest: String) {
        #expect(Digest(of: Array(text.utf8)).description == digest)
        #expect(Digest(hexadecimal: digest.utf8)?.description == digest)
    }

    @Test(
        "A digest has one spelling: 64 small digits",
        arguments: [
            "", "00", String(repeating: "0", count: 63), String(repeating: "0", count: 65),
            String(repeating: "A", count: 64), String(repeating: "g", count: 64),
        ])
    func badSpelling(text: String) {
        #expect(Digest(hexadecimal: text.utf8) == nil)
    }

    @Test("Ed25519 is that of RFC 8032, test 3")
    func knownSignature() throws {
        let seed = try #require(
            Hexadecimal.decoded("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7".utf8))
        let key = try #require(SigningKey(seed: seed))
        #expect(
            Hexadecimal.text(key.publicKey.bytes)
                == "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
        let signature = key.signature(of: [0xAF, 0x82])
        #expect(
            Hexadecimal.text(signature)
                == "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")
        #expect(key.publicKey.verifies(signature, of: [0xAF, 0x82]))
        #expect(!key.publicKey.verifies(signature, of: [0xAF, 0x83]))
        #expect(!key.publicKey.verifies(Array(signature.dropLast()), of: [0xAF, 0x82]))
    }

    @Test("Keys come back from their files, and one kind is not read as the other")
    func keyFiles() throws {
        for seed in UInt8(0)..<20 {
            let key = try #require(SigningKey(seed: (0..<32).map { $0 &* 37 &+ seed }))
            #expect(SigningKey(pem: key.pem)?.publicKey == key.publicKey)
            #expect(PublicKey(pem: key.publicKey.pem) == key.publicKey)
            #expect(PublicKey(pem: key.pem) == nil)
            #expect(SigningKey(pem: key.publicKey.pem) == nil)
        }
        for text in ["", "x", "-----BEGIN PUBLIC KEY-----\n\n-----END PUBLIC KEY-----\n"] {
            #expect(PublicKey(pem: text) == nil)
        }
    }

    /// Who does not trust us verifies with another program.
    @Test("openssl verifies a signed head with key.pub, and refuses a changed one")
    func openssl() throws {
        try Requirement.need(File.kind(of: "/usr/bin/openssl") != nil, "openssl is not installed")
        let scene = try AuditScene()
        try scene.written(3)
        let head = try #require(try scene.directory.statement(.checkpoint))
        func verify(_ message: String) throws -> Bool {
            let (text, signature) = (scene.root + "/message", scene.root + "/signature")
            try File.replace(text, with: Array(message.utf8), mode: 0o600)
            try File.replace(signature, with: head.signature, mode: 0o600)
            let arguments = [
                "pkeyutl", "-verify", "-pubin", "-inkey", scene.directory.publicKey, "-rawin", "-in", text,
                "-sigfile", signature,
            ]
            return try Launch("/usr/bin/openssl", arguments).run().status == .exited(0)
        }
        #expect(try verify("cloister-audit-checkpoint \(head.place.sequence) \(head.place.hash)"))
        #expect(try !verify("cloister-audit-checkpoint \(head.place.sequence + 1) \(head.place.hash)"))
    }
}
