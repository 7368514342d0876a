import Linux

// Where records are kept:
//
//   audit/000001.jsonl   records, numbered; appended to the last one
//   audit/head           the newest signed checkpoint
//   audit/beginning      when files were removed: a signed statement of where the chain now begins
//   audit/key            the key that signs, for the daemon alone; or somewhere else, where somebody gives it one
//   audit/key.pub        what verifies
//   audit/lock           held by the daemon that writes

package struct AuditDirectory: Hashable, Sendable {
    package let path: String
    /// Where the key that signs is, if it is given and not ours to make.
    private let givenKey: String?

    package init(_ path: String, key: String? = nil) { (self.path, givenKey) = (path, key) }

    package var head: String { path + "/head" }
    package var beginning: String { path + "/beginning" }
    package var key: String { givenKey ?? path + "/key" }
    package var publicKey: String { path + "/key.pub" }
    var lock: String { path + "/lock" }

    package func file(_ number: UInt32) -> String { path + "/" + Self.name(of: number) }

    static func name(of number: UInt32) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".jsonl"
    }

    /// Of a name that `name(of:)` gives, and no other.
    static func number(of name: String) -> UInt32? {
        let parts = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 2, let number = UInt32(String(parts[0]) ?? ""), number > 0,
            self.name(of: number) == name
        else { return nil }
        return number
    }

    /// The numbers of the files, in order.
    package func files() throws(SystemError) -> [UInt32] {
        let directory = try File.open(path, .directory)
        var entries: [DirectoryEntries.Entry] = []
        var reader = DirectoryEntries()
        while try reader.read(from: directory, into: &entries) {}
        return entries.compactMap { Self.number(of: $0.name.description) }.sorted()
    }

    /// `nil` when there is no such file.
    package func statement(_ kind: Statement.Kind) throws(AuditFault) -> Statement? {
        let path = kind == .checkpoint ? head : beginning
        guard let text = try Self.content(path) else { return nil }
        guard let statement = Statement(kind, reading: text) else {
            throw .unusable(path, "is not a statement of \(kind.rawValue)")
        }
        return statement
    }

    package func storedPublicKey() throws(AuditFault) -> PublicKey? {
        guard let text = try Self.content(publicKey) else { return nil }
        guard let key = PublicKey(pem: String(decoding: text, as: UTF8.self)) else {
            throw .unusable(publicKey, "is no public Ed25519 key in PEM form")
        }
        return key
    }

    static func content(_ path: String) throws(AuditFault) -> [UInt8]? {
        do throws(SystemError) {
            return try File.read(path, limit: 4096)
        } catch  where error.errno == .notFound {
            return nil
        } catch {
            throw .system(error)
        }
    }

    // MARK: For the daemon that writes

    /// Makes what is missing, the key included.
    func prepare() throws(AuditFault) -> SigningKey {
        try faultingSystem { () throws(SystemError) in
            do throws(SystemError) {
                try File.makeDirectory(path, mode: 0o750)
            } catch  where error.errno == .exists {}
        }
        let stored = try storedKey()
        if givenKey != nil { try checkGiven(stored) }
        let key = if let stored { stored } else { try makeKey() }
        try faultingSystem { () throws(SystemError) in
            try File.replace(publicKey, with: Array(key.publicKey.pem.utf8), mode: 0o644)
        }
        return key
    }

    /// A key that is given has to be there, and has to be the one that signed what is here: with another one all of that
    /// would look forged.
    private func checkGiven(_ given: SigningKey?) throws(AuditFault) {
        guard let given else { throw .unusable(key, "is not there") }
        let files: [UInt32] = try faultingSystem { () throws(SystemError) in try self.files() }
        guard !files.isEmpty, let known = try storedPublicKey(), known != given.publicKey else { return }
        throw .unusable(
            key,
            """
            is another key than the one that signed what is in \(path): give that one, or move the directory away
            """)
    }

    private func storedKey() throws(AuditFault) -> SigningKey? {
        guard let text = try Self.content(key) else { return nil }
        guard let found = SigningKey(pem: String(decoding: text, as: UTF8.self)) else {
            throw .unusable(key, "is no private Ed25519 key in PEM form")
        }
        return found
    }

    private func makeKey() throws(AuditFault) -> SigningKey {
        try faultingSystem { () throws(SystemError) in
            guard let made = SigningKey(seed: try Random.bytes(SigningKey.size)) else {
                preconditionFailure("a seed of another size")
            }
            try File.replace(key, with: Array(made.pem.utf8), mode: 0o600, isSynced: true)
            return made
        }
    }

    /// Held as long as the descriptor.
    func claim() throws(AuditFault) -> OwnedFD {
        let file = try faultingSystem { () throws(SystemError) in
            try File.open(lock, [.readWrite, .create, .noFollow], mode: 0o600)
        }
        let isOurs = try faultingSystem { () throws(SystemError) in try File.lockExclusively(file) }
        guard isOurs else { throw .inUse(path) }
        return file
    }
}
