import Cells

/// A cell as a tool sees it. Whoever waits for an answer and is cancelled has what it started ended.
package protocol CellAccess: Sendable {
    /// What programs may run for at most, whatever a call asks for; `nil` for as long as it asks.
    var mostMilliseconds: UInt32? { get }
    func perform(_ request: FileRequest) async throws(CellFailure) -> FileResult
    /// `onOutput` gets what a program of this call writes, as it comes.
    func perform(
        _ request: ProgramRequest, onOutput: @escaping @Sendable (ProgramOutput) async -> Void
    ) async throws(CellFailure) -> ProgramResult
}

extension CellAccess {
    package var mostMilliseconds: UInt32? { nil }
}

/// The host as a tool sees it: one command, in the place of a cell.
package protocol HostAccess: Sendable {
    var mostMilliseconds: UInt32? { get }
    /// Ends when the command has ended, with all that it started; so it does when nobody waits any more.
    func run(
        _ command: RunProgram, asRoot: Bool, onOutput: @escaping @Sendable (ProgramOutput) async -> Void
    ) async throws(CellFailure) -> ProgramEnd
}

/// A piece of what a program writes.
package struct ProgramOutput: Sendable {
    package let isError: Bool
    package let bytes: [UInt8]

    package init(isError: Bool, bytes: [UInt8]) { (self.isError, self.bytes) = (isError, bytes) }
}

/// What a running call has to work with.
package struct CallContext: Sendable {
    package let reporter: any CallReporter
    package let cell: any CellAccess
    package let host: any HostAccess

    package init(
        reporter: any CallReporter, cell: any CellAccess = NoCell(), host: any HostAccess = NoHost()
    ) {
        (self.reporter, self.cell, self.host) = (reporter, cell, host)
    }
}

/// For tools that said that they have no use for one.
package struct NoCell: CellAccess {
    private static let failure = CellFailure(.other, "this tool has no cell")

    package init() {}

    package func perform(_ request: FileRequest) async throws(CellFailure) -> FileResult {
        throw Self.failure
    }

    package func perform(
        _ request: ProgramRequest, onOutput: @escaping @Sendable (ProgramOutput) async -> Void
    ) async throws(CellFailure) -> ProgramResult { throw Self.failure }
}

package struct NoHost: HostAccess {
    package var mostMilliseconds: UInt32? { nil }

    package init() {}

    package func run(
        _ command: RunProgram, asRoot: Bool, onOutput: @escaping @Sendable (ProgramOutput) async -> Void
    ) async throws(CellFailure) -> ProgramEnd { throw CellFailure(.other, "this tool has no host") }
}
