import Cells
import MCP

@testable import Tools

/// A cell that answers what it was told to, one answer after the other, and remembers what it was asked.
actor ScriptedCell: CellAccess, HostAccess, CallReporter {
    enum Answer: Sendable {
        case file(FileResult)
        case program(ProgramResult, writing: [ProgramOutput] = [])
        case failure(CellFailure)
    }

    struct Progress: Equatable, Sendable {
        let count: Double
        let message: String
    }

    private var answers: [Answer]
    private(set) var fileRequests: [FileRequest] = []
    private(set) var programRequests: [ProgramRequest] = []
    private(set) var commands: [(run: RunProgram, asRoot: Bool)] = []
    private(set) var progress: [Progress] = []

    init(_ answers: Answer...) { self.answers = answers }

    nonisolated var context: CallContext { CallContext(reporter: self, cell: self, host: self) }
    nonisolated var mostMilliseconds: UInt32? { nil }

    private func next() throws(CellFailure) -> Answer {
        guard !answers.isEmpty else { throw CellFailure(.other, "the script has no more answers") }
        let answer = answers.removeFirst()
        if case .failure(let failure) = answer { throw failure }
        return answer
    }

    func perform(_ request: FileRequest) async throws(CellFailure) -> FileResult {
        fileRequests.append(request)
        guard case .file(let result) = try next() else {
            throw CellFailure(.other, "the script has an answer about programs")
        }
        return result
    }

    func perform(
        _ request: ProgramRequest, onOutput: @escaping @Sendable (ProgramOutput) async -> Void
    ) async throws(CellFailure) -> ProgramResult {
        programRequests.append(request)
        guard case .program(let result, let pieces) = try next() else {
            throw CellFailure(.other, "the script has an answer about files")
        }
        for piece in pieces { await onOutput(piece) }
        return result
    }

    func run(
        _ command: RunProgram, asRoot: Bool, onOutput: @escaping @Sendable (ProgramOutput) async -> Void
    ) async throws(CellFailure) -> ProgramEnd {
        commands.append((command, asRoot))
        guard case .program(.ended(let end), let pieces) = try next() else {
            throw CellFailure(.other, "the script has an answer about something else")
        }
        for piece in pieces { await onOutput(piece) }
        return end
    }

    func progress(_ progress: Double, of total: Double?, message: String?) async {
        self.progress.append(Progress(count: progress, message: message ?? ""))
    }

    func log(_ level: LogLevel, logger: String, data: [UInt8]) async {}
}
