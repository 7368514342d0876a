// Judges lines of a chain, one after the other, and names the first record that is not as it was written.
//
// What breaks a chain does not say by itself what was done to it: a number that is skipped may be a record that was
// removed, or one that stands further down. So the first thing that is wrong is a suspicion, and the lines behind it
// settle it: if the record that belongs there still comes, something was inserted before it or it was moved.
//
// Without a key, the chain says that its lines fit together, and no more: who can write the files can make a chain.

package struct ChainFault: Equatable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        case changed, removed, reordered, inserted
        /// A signature does not fit.
        case forged
    }

    package let kind: Kind
    package let sequence: UInt64
    package let file: String
    /// Where it stands, or where it should.
    package let line: Int
    package let why: String

    package var description: String { "\(file):\(line): record \(sequence) was \(kind.rawValue): \(why)" }
}

package struct ChainReport: Equatable, Sendable {
    package internal(set) var fault: ChainFault?
    /// That were found to be right.
    package internal(set) var records: UInt64 = 0
    package internal(set) var checkpoints: UInt64 = 0
    package internal(set) var first: ChainPlace?
    package internal(set) var last = ChainPlace.beginning
    /// The last record that a signature covers.
    package internal(set) var signed: UInt64 = 0
    /// Of a line that is being written, or never was finished.
    package internal(set) var tornBytes = 0
}

package struct ChainVerifier: Sendable {
    private let key: PublicKey?
    private let head: Statement?
    /// Up to which nothing is looked at.
    private let since: ChainPlace?

    private var last: ChainPlace
    private var isSeeking: Bool
    private var suspicion: ChainFault?
    private var report = ChainReport()
    private var file = ""
    private var line = 0
    private var lastFile = ""
    private var lastLine = 0

    /// `beginning`: the place before the first line. `since`: one that was kept elsewhere, behind which the judging
    /// starts.
    package init(
        key: PublicKey?, head: Statement? = nil, beginning: ChainPlace = .beginning,
        since: ChainPlace? = nil
    ) {
        (self.key, self.head, self.since) = (key, head, since)
        last = since ?? beginning
        isSeeking = since != nil && since != beginning
    }

    /// The next line, without its end.
    package mutating func add(_ bytes: ArraySlice<UInt8>, file: String, line: Int) {
        guard report.fault == nil else { return }
        (self.file, self.line) = (file, line)
        let found = ChainLine(bytes)
        if isSeeking {
            seek(found)
        } else if suspicion != nil {
            settle(found)
        } else {
            judge(found, bytes)
        }
        (lastFile, lastLine) = (file, line)
    }

    package mutating func finish(tornBytes: Int = 0) -> ChainReport {
        report.tornBytes = tornBytes
        if isSeeking, report.fault == nil, let since {
            fault(.removed, since.sequence, "it was kept as a checkpoint, and is not there")
        }
        if report.fault == nil { report.fault = suspicion }
        if report.fault == nil { checkHead() }
        report.last = last
        return report
    }

    // MARK: One line

    private mutating func judge(_ found: ChainLine?, _ bytes: ArraySlice<UInt8>) {
        let next = last.sequence + 1
        guard let found else { return suspect(.changed, next, "the line has not the form of a record") }
        guard found.isIntact else {
            return suspect(.changed, next, "its hash is not that of its content")
        }
        if found.sequence < next {
            return fault(.inserted, found.sequence, "a record of this number stands before it already")
        }
        if found.sequence > next {
            let others = found.sequence - next
            let which = others == 1 ? "" : ", and \(others - 1) after it,"
            return suspect(
                .removed, next, "it\(which) is not there; record \(found.sequence) follows instead")
        }
        guard found.previous == last.hash else { return suspectBreak(found) }
        if report.records == 0 { report.first = found.place }
        report.records += 1
        last = found.place
        checkSignatures(found, bytes)
    }

    /// The record says that another one was before it than is.
    private mutating func suspectBreak(_ found: ChainLine) {
        if report.records == 0 {
            return suspect(.removed, last.sequence, "record \(found.sequence) names another one before it")
        }
        suspicion = ChainFault(
            kind: .changed, sequence: last.sequence, file: lastFile, line: lastLine,
            why: "record \(found.sequence) names another hash of it")
    }

    /// A line behind the one that is suspicious.
    private mutating func settle(_ found: ChainLine?) {
        guard let first = suspicion, let found, found.isIntact, found.sequence == last.sequence + 1,
            found.previous == last.hash
        else { return }
        if first.kind == .removed {
            fault(.reordered, found.sequence, "it should stand in line \(first.line) of \(first.file)")
        } else {
            let place = first.sequence == last.sequence ? (lastFile, lastLine) : (first.file, first.line)
            report.fault = ChainFault(
                kind: .inserted, sequence: found.sequence, file: place.0, line: place.1,
                why: "the record of this number that belongs to the chain follows in line \(line) of \(file)")
        }
    }

    private mutating func seek(_ found: ChainLine?) {
        guard let since, let found, found.sequence >= since.sequence else { return }
        if found.sequence == since.sequence {
            isSeeking = false
            guard found.isIntact, found.hash == since.hash else {
                return fault(.changed, since.sequence, "it has not the hash that was kept")
            }
        } else if found.sequence == since.sequence + 1, found.previous == since.hash {
            // The kept one was rotated away, and the first that is left follows it.
            isSeeking = false
            judge(found, [])
        } else {
            fault(.removed, since.sequence, "it was kept as a checkpoint, and is not there")
        }
    }

    // MARK: Signatures

    private mutating func checkSignatures(_ found: ChainLine, _ bytes: ArraySlice<UInt8>) {
        guard let key else { return }
        if let signature = CheckpointLine.signature(of: bytes) {
            let signed = ChainPlace(sequence: found.sequence - 1, hash: found.previous)
            guard key.verifies(signature, of: Statement.message(.checkpoint, signed)) else {
                return fault(
                    .forged, found.sequence,
                    "its signature is not of the records before it; those since \(report.signed) are doubtful"
                )
            }
            report.checkpoints += 1
            report.signed = signed.sequence
        }
        guard let head, head.place.sequence == found.sequence, head.isSigned(by: key) else { return }
        guard head.place == found.place else {
            return fault(
                .forged, found.sequence,
                "another record of this number was signed; those since \(report.signed) are doubtful")
        }
        report.signed = found.sequence
    }

    private mutating func checkHead() {
        guard let key else { return }
        guard let head else {
            return fault(
                .forged, last.sequence, "the file \"head\", which signs the newest checkpoint, is not there")
        }
        guard head.isSigned(by: key) else {
            return fault(
                .forged, head.place.sequence, "the signature in the file \"head\" is not of this key")
        }
        guard head.place.sequence > last.sequence else { return }
        line += 1
        let others = head.place.sequence - last.sequence - 1
        let which = others == 0 ? "it was" : "it and \(others) after it were"
        fault(.removed, last.sequence + 1, "\(which) signed, and cut off at the end")
    }

    // MARK: Findings

    private mutating func fault(_ kind: ChainFault.Kind, _ sequence: UInt64, _ why: String) {
        report.fault = ChainFault(kind: kind, sequence: sequence, file: file, line: line, why: why)
    }

    private mutating func suspect(_ kind: ChainFault.Kind, _ sequence: UInt64, _ why: String) {
        suspicion = ChainFault(kind: kind, sequence: sequence, file: file, line: line, why: why)
    }
}
