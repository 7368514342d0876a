/// Why a cell did not do what it was asked to. The message is a whole sentence for the client: what was
/// refused, by what, and what would allow it.
package struct CellFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: UInt8, CaseIterable, Sendable {
        case notFound, exists, notAFile, notADirectory, notEmpty
        /// The path names nothing that the cell has; a symbolic link on it leads there.
        case outsidePlaces, leadsOut
        /// The kernel said no; the place is not to be written.
        case deniedByWall, readOnlyPlace
        case noSpace, quota, tooLarge
        case badPattern, patternTooCostly
        case noMatch, ambiguous, patchFailed, changedMeanwhile
        case specialFile, invalid, cancelled, other
        /// By a rule; and by one that wants a person to be asked first. `call` is what the rule is about.
        case deniedByPolicy, needsConsent
    }

    package var kind: Kind
    /// The system call that failed and its error number, where one did.
    package var call: String
    package var errno: Int32
    /// As the client named it, or as it would have to.
    package var path: String
    package var message: String

    package init(_ kind: Kind, path: String = "", call: String = "", errno: Int32 = 0, _ message: String) {
        (self.kind, self.path, self.call, self.errno) = (kind, path, call, errno)
        self.message = message
    }

    package var description: String { message }

    // MARK: Coding

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.integer(kind.rawValue)
        // A failure is always sent, if need be with less of its text.
        writer.text(call.cut(to: Self.longestCall))
        writer.integer(errno)
        writer.text(path.cut(to: FileLimits.longestPath))
        writer.text(message.cut(to: FileLimits.longestMessage))
        return writer.bytes
    }

    package init(decoding bytes: ArraySlice<UInt8>) throws(CodingFault) {
        var reader = ByteReader(bytes)
        kind = try reader.choice("kind")
        call = try reader.content("call", most: Self.longestCall)
        errno = try reader.integer("errno")
        path = try reader.content("path", most: FileLimits.longestPath)
        message = try reader.content("message", most: FileLimits.longestMessage)
        try reader.finish("failure")
    }

    private static let longestCall = 64
}
