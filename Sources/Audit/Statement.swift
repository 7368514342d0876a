import JSON

// What the audit key signs. There are two kinds, and the name of the kind is signed with the rest, so that neither
// passes for the other:
//
//   cloister-audit-checkpoint SEQ HASH    record SEQ has this hash, and so have all before it their content
//   cloister-audit-beginning SEQ HASH     records up to SEQ, the last of which has this hash, were removed by us
//
// A checkpoint stands in the chain as a record, about the record before it. Another one stands in the file `head`,
// about the newest checkpoint itself: it is what shows that lines were cut off at the end. A beginning stands in the
// file `beginning`, when old files have been rotated away.

package struct Statement: Equatable, Sendable {
    package enum Kind: String, Sendable {
        case checkpoint = "cloister-audit-checkpoint"
        case beginning = "cloister-audit-beginning"
    }

    package let kind: Kind
    package let place: ChainPlace
    /// The file that has the record, or of a beginning: the first file that is left.
    package let file: UInt32
    package let signature: [UInt8]

    package init(_ kind: Kind, of place: ChainPlace, in file: UInt32, by key: SigningKey) {
        (self.kind, self.place, self.file) = (kind, place, file)
        signature = key.signature(of: Self.message(kind, place))
    }

    package func isSigned(by key: PublicKey) -> Bool {
        key.verifies(signature, of: Self.message(kind, place))
    }

    static func message(_ kind: Kind, _ place: ChainPlace) -> [UInt8] {
        Array("\(kind.rawValue) \(place.sequence) \(place.hash)".utf8)
    }

    // MARK: As a file

    package var text: [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("statement", kind.rawValue)
            writer.member("seq", place.sequence)
            writer.member("hash", place.hash.description)
            writer.member("file", AuditDirectory.name(of: file))
            writer.member("signature", Hexadecimal.text(signature))
        }
        return writer.finishLine()
    }

    /// Whatever it says; who signed it is another question.
    package init?(_ kind: Kind, reading text: [UInt8]) {
        guard let document = try? JSONDocument(text, limits: JSONLimits(depth: 2, bytes: 4096)) else {
            return nil
        }
        let root = document.root
        guard root["statement"]?.string == kind.rawValue,
            let sequence = root["seq"]?.integer.flatMap(UInt64.init(exactly:)),
            let hash = root["hash"]?.string.flatMap({ Digest(hexadecimal: $0.utf8) }),
            let file = root["file"]?.string.flatMap(AuditDirectory.number(of:)),
            let signature = root["signature"]?.string.flatMap({ Hexadecimal.decoded($0.utf8) })
        else { return nil }
        (self.kind, self.file, self.signature) = (kind, file, signature)
        place = ChainPlace(sequence: sequence, hash: hash)
    }
}
