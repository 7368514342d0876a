import Linux

/// Verifies the files of a directory, which a daemon may be writing to meanwhile.
package enum AuditVerification {
    package struct Demands: Sendable {
        /// Kept elsewhere, where nobody who can write the directory can write. Otherwise that of the directory.
        package var key: PublicKey?
        package var since: ChainPlace?

        package init(key: PublicKey? = nil, since: ChainPlace? = nil) {
            (self.key, self.since) = (key, since)
        }
    }

    package static func run(
        _ directory: AuditDirectory, _ demands: Demands = Demands()
    ) throws(AuditFault) -> ChainReport {
        let stored = try directory.storedPublicKey()
        guard let key = demands.key ?? stored else {
            throw .unusable(directory.publicKey, "is not there, and without a key nothing can be verified")
        }
        // Before the files: so they have what it signs, unless somebody took it away.
        let head = try directory.statement(.checkpoint)
        let numbers = try faultingSystem { () throws(SystemError) in try directory.files() }
        // After the list: what was rotated away since is named in it.
        let beginning = try directory.statement(.beginning)
        if let beginning, !beginning.isSigned(by: key) {
            return .forgedBeginning(beginning, directory)
        }
        var verifier = ChainVerifier(
            key: key, head: head, beginning: beginning?.place ?? .beginning, since: demands.since)
        var torn = 0
        for number in numbers where number >= beginning?.file ?? 0 {
            let isLast = number == numbers.last
            torn = try faultingSystem { () throws(SystemError) in
                try feed(directory.file(number), AuditDirectory.name(of: number), isLast, &verifier)
            }
        }
        return verifier.finish(tornBytes: torn)
    }

    /// How many bytes of an unfinished line are at its end.
    private static func feed(
        _ path: String, _ name: String, _ isLast: Bool, _ verifier: inout ChainVerifier
    ) throws(SystemError) -> Int {
        var file = try LineFile(path, name: name)
        while let line = try file.next() { verifier.add(line, file: name, line: file.line) }
        if isLast { return file.unfinishedBytes }
        // Only the newest may end in the middle of a line.
        if file.unfinishedBytes > 0 { verifier.add([], file: name, line: file.line + 1) }
        return 0
    }
}

extension ChainReport {
    fileprivate static func forgedBeginning(
        _ statement: Statement, _ directory: AuditDirectory
    ) -> ChainReport {
        var report = ChainReport()
        report.fault = ChainFault(
            kind: .forged, sequence: statement.place.sequence, file: "beginning", line: 1,
            why: "its signature, for the removal of all records up to this one, is not of this key")
        return report
    }
}
