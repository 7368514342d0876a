import Linux

// The file that records are appended to, and its chain.
//
// Invariants: the file ends with a whole line whenever a call of ours returns, except after a failure that could not
// be undone, and then nothing is appended before it has been. The chain stands where the file ends. What `append`
// has returned for is in the file: a killed process takes nothing of it along.

package struct AuditFile: ~Copyable {
    package enum Sync: String, CaseIterable, Sendable {
        /// The kernel writes to the disk when it likes: a power failure loses seconds.
        case never
        /// Every second or so.
        case interval
        /// Before `append` returns.
        case always
    }

    package struct Settings: Equatable, Sendable {
        package var rotateBytes: UInt64 = 64 << 20
        package var keep = 10
        package var sync = Sync.never

        package init(rotateBytes: UInt64 = 64 << 20, keep: Int = 10, sync: Sync = .never) {
            (self.rotateBytes, self.keep, self.sync) = (rotateBytes, max(1, keep), sync)
        }
    }

    let directory: AuditDirectory
    /// They may change from one record to the next.
    var settings: Settings
    let key: SigningKey
    private let lock: OwnedFD
    private var file: OwnedFD
    package private(set) var number: UInt32
    /// Of whole lines.
    private var size: UInt64
    /// Bytes behind them that a failed write left.
    private var hasRemains = false
    private var isDirty = false
    private var chain: HashChain
    /// Why the last rotation did not happen, if it did not: records go on in the old file.
    package private(set) var rotationFault: SystemError?

    /// Where the next record continues.
    package var last: ChainPlace { chain.last }

    /// Opens the newest file, with what is left of a record that was never finished cut off.
    package static func open(
        in directory: AuditDirectory, _ settings: Settings
    ) throws(AuditFault) -> Opened {
        let key = try directory.prepare()
        let lock = try directory.claim()
        let found = try Recovery.look(in: directory, key: key.publicKey)
        let (number, size, last) = (found.number, found.size, found.last)
        let file = try faultingSystem { () throws(SystemError) in
            let file = try File.open(
                directory.file(number), [.readWrite, .append, .create, .noFollow], mode: 0o640)
            if found.tornBytes > 0 { try file.truncate(to: size) }
            return file
        }
        var chain = HashChain(after: last)
        chain.skip(to: last.sequence + found.missingRecords)
        return Opened(
            file: AuditFile(
                directory: directory, settings: settings, key: key, lock: lock, file: file,
                number: number, size: size, chain: chain),
            found: found)
    }

    package struct Opened: ~Copyable {
        package var file: AuditFile
        package let found: Recovery
    }

    private init(
        directory: AuditDirectory, settings: Settings, key: SigningKey, lock: consuming OwnedFD,
        file: consuming OwnedFD, number: UInt32, size: UInt64, chain: HashChain
    ) {
        (self.directory, self.settings, self.key) = (directory, settings, key)
        self.lock = lock
        self.file = file
        (self.number, self.size, self.chain) = (number, size, chain)
    }

    // MARK: Appending

    /// All of these records or none, in one write.
    package mutating func append(_ records: [[UInt8]]) throws(AuditFault) {
        var grown = chain
        var lines: [UInt8] = []
        lines.reserveCapacity(records.reduce(0) { $0 + $1.count + 200 })
        for record in records { grown.append(record, to: &lines) }
        if size > 0, size + UInt64(lines.count) > settings.rotateBytes { rotate() }
        do throws(SystemError) {
            try removeRemains()
            try write(lines.span)
            if settings.sync == .always { try file.syncData() }
        } catch {
            // What could not be written whole, or not brought to the disk, shall not be there at all.
            hasRemains = true
            try? removeRemains()
            throw .system(error)
        }
        chain = grown
        size += UInt64(lines.count)
        isDirty = settings.sync == .interval
    }

    private mutating func write(_ lines: Span<UInt8>) throws(SystemError) {
        let count = try file.write(lines)
        // A regular file takes less only when its disk, its quota or its limit is full.
        guard count == lines.count else {
            throw SystemError("write", .noSpace, directory.file(number))
        }
    }

    private mutating func removeRemains() throws(SystemError) {
        guard hasRemains else { return }
        try file.truncate(to: size)
        hasRemains = false
    }

    /// What `interval` waits for.
    package mutating func sync() throws(AuditFault) {
        guard isDirty else { return }
        do throws(SystemError) {
            try file.syncData()
            isDirty = false
        } catch {
            throw .system(error)
        }
    }

    // MARK: Rotation

    /// Goes on in a new file, and removes those that are too many. If there can be none, the old one grows.
    private mutating func rotate() {
        do throws(SystemError) {
            try removeRemains()
            if settings.sync != .never { try file.syncData() }
            let next = number + 1
            let opened = try File.open(
                directory.file(next), [.readWrite, .append, .create, .exclusive, .noFollow], mode: 0o640)
            file = opened
            (number, size) = (next, 0)
            rotationFault = nil
            if settings.sync != .never { try File.syncDirectory(directory.path) }
            try removeOldFiles()
        } catch {
            rotationFault = error
        }
    }

    /// A file that somebody removed or renamed under us takes records along that nobody would ever see.
    package mutating func leaveIfTakenAway() {
        let path = directory.file(number)
        let named = try? File.open(path, .noFollow).status().identity
        guard let ours = try? file.status().identity, named != ours else { return }
        rotate()
    }

    /// First says where the chain begins without them, so that nobody takes their absence for a theft.
    private func removeOldFiles() throws(SystemError) {
        let numbers = try directory.files()
        // The new file is empty yet, and counts.
        guard numbers.count > settings.keep else { return }
        let kept = numbers.suffix(settings.keep)
        guard let first = kept.first(where: { $0 != number }) else {
            return try remove(numbers.dropLast(settings.keep), beginning: chain.last, in: number)
        }
        guard let line = try Recovery.firstLine(of: directory.file(first)) else { return }
        let before = ChainPlace(sequence: line.sequence - 1, hash: line.previous)
        try remove(numbers.dropLast(settings.keep), beginning: before, in: first)
    }

    private func remove(
        _ numbers: ArraySlice<UInt32>, beginning: ChainPlace, in first: UInt32
    ) throws(SystemError) {
        let statement = Statement(.beginning, of: beginning, in: first, by: key)
        try File.replace(
            directory.beginning, with: statement.text, mode: 0o644, isSynced: settings.sync != .never)
        for number in numbers { try File.remove(directory.file(number)) }
    }

    // MARK: Signatures

    /// Of the newest record, for the next one to carry.
    func signature() -> [UInt8] {
        Statement(.checkpoint, of: last, in: number, by: key).signature
    }

    /// Signs the newest record in the file `head`.
    func writeHead() throws(AuditFault) {
        let statement = Statement(.checkpoint, of: last, in: number, by: key)
        try faultingSystem { () throws(SystemError) in
            try File.replace(
                directory.head, with: statement.text, mode: 0o644, isSynced: settings.sync != .never)
        }
    }
}
