import Cells
import Policy
import Tools

/// A cell as one call has it: with the rules for files that are in force, what a person has allowed for this call, and
/// the terms on which programs run.
// Unchecked: touched on the loop's thread only.
final class GovernedCell: CellAccess, @unchecked Sendable {
    private let cell: Cell
    private let policy: SessionPolicy
    /// Why it is not allowed, if it is not.
    private let ask: (Need) async -> String?
    private var consents: Set<FileRules.Consent>
    private let stage: CallStage
    /// How the program of this call ended, for the record.
    private(set) var end: ProgramEnd?
    /// What the kernel resolved, where it is not what was written.
    private(set) var resolved: [Need] = []

    var report: WallReport { cell.report }

    init(
        _ cell: Cell, _ policy: SessionPolicy, consents: Set<FileRules.Consent>, _ stage: CallStage,
        ask: @escaping (Need) async -> String?
    ) {
        self.stage = stage
        (self.cell, self.policy, self.consents, self.ask) = (cell, policy, consents, ask)
    }

    /// What was written was decided before; where it leads to something that a person has to be asked about, they are,
    /// and the request is made again.
    func perform(_ request: FileRequest) async throws(CellFailure) -> FileResult {
        for _ in 0..<Self.mostQuestions {
            do throws(CellFailure) {
                return try await cell.perform(request, under: rules, stage)
            } catch {
                guard error.kind == .needsConsent, let act = Self.acts[error.call] else { throw error }
                let need = Need.path(act.permission, error.path)
                resolved.append(need)
                // Where the call went on after this, it was allowed.
                if !stage.isReplaying, let refusal = await ask(need) {
                    throw CellFailure(
                        .deniedByPolicy, path: error.path, "\(need) was not allowed. \(refusal)")
                }
                consents.insert(FileRules.Consent(act.act, Array(error.path.utf8)))
            }
        }
        throw CellFailure(
            .deniedByPolicy, "This asks about more than \(Self.mostQuestions) files one by one.")
    }

    private static let mostQuestions = 64
    private static let acts: [String: (act: FileRules.Act, permission: PermissionName)] = [
        "read": (.read, .fileRead), "writeOwn": (.writeOwn, .fileWrite),
        "writeElsewhere": (.writeElsewhere, .fileWriteGlobal),
    ]

    private var rules: FileRules {
        var rules = policy.fileRules
        rules.consents = consents
        return rules
    }

    func perform(
        _ request: ProgramRequest, onOutput: @escaping @Sendable (ProgramOutput) async -> Void
    ) async throws(CellFailure) -> ProgramResult {
        let result = try await cell.perform(onTerms(request), stage, onOutput: onOutput)
        if case .ended(let end) = result { self.end = end }
        return result
    }

    var mostMilliseconds: UInt32? { policy.client.mostMilliseconds }

    private func onTerms(_ request: ProgramRequest) -> ProgramRequest {
        let client = policy.client
        switch request {
        case .run(var run):
            run.start = client.onTerms(run.start)
            run.mostOutput = client.onTerms(mostOutput: run.mostOutput)
            return .run(run)
        case .start(let start): return .start(client.onTerms(start))
        case .output, .input, .stop, .list: return request
        }
    }
}
