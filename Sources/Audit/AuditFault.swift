import Linux

/// Why a record is not where it belongs.
package enum AuditFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another daemon writes this directory.
    case inUse(String)
    /// Something of the directory is not what it must be.
    case unusable(String, String)
    case system(SystemError)
    /// The record is in the file, and not in the journal.
    case journal(JournalFault)

    /// Whether the file has the record all the same.
    package var isInFile: Bool {
        if case .journal = self { true } else { false }
    }

    package var description: String {
        switch self {
        case .inUse(let directory):
            "another cloisterd writes its audit records to \(directory); two of them would break its chain"
        case .unusable(let path, let reason): "\(path): \(reason)"
        case .system(let error): "\(error)"
        case .journal(let fault): "\(fault)"
        }
    }
}

/// Turns the one kind of error into the other.
func faultingSystem<Result: ~Copyable>(
    _ body: () throws(SystemError) -> Result
) throws(AuditFault) -> Result {
    do throws(SystemError) {
        return try body()
    } catch {
        throw .system(error)
    }
}

package enum JournalFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// It takes nothing now.
    case full
    case system(SystemError)

    package var description: String {
        switch self {
        case .full: "the journal's socket is full"
        case .system(let error): "the journal cannot be reached: \(error)"
        }
    }
}
