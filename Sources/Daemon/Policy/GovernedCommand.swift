import Cells
import Tools

/// The host as one call has it: for one command, on the terms that policy has for this client.
// Unchecked: touched on the loop's thread only.
final class GovernedCommand: HostAccess, @unchecked Sendable {
    private let place: CellPlace
    private let policy: SessionPolicy
    /// For the record: how the command ended, what was missing around it, and whether celld refused it.
    private(set) var end: ProgramEnd?
    private(set) var report: WallReport?
    private(set) var wasRefused = false

    private let stage: CallStage

    init(_ place: CellPlace, _ policy: SessionPolicy, _ stage: CallStage) {
        (self.place, self.policy, self.stage) = (place, policy, stage)
    }

    var mostMilliseconds: UInt32? { policy.client.mostMilliseconds }

    func run(
        _ run: RunProgram, asRoot: Bool, onOutput: @escaping @Sendable (ProgramOutput) async -> Void
    ) async throws(CellFailure) -> ProgramEnd {
        let client = policy.client
        let start = client.onTerms(run.start)
        let command = HostCommand(
            start.arguments, environment: asRoot ? [] : start.environment, directory: start.directory,
            isAsRoot: asRoot, timeoutMilliseconds: run.timeoutMilliseconds,
            mostOutput: client.onTerms(mostOutput: run.mostOutput), limits: client.limits.ofCell)
        // celld takes no more, and cuts off whoever sends it.
        guard HostCommand.byteCount(command.arguments + command.environment) <= HostCommand.mostBytes else {
            throw CellFailure(.tooLarge, "The arguments and policy's variables are too long together.")
        }
        let running: Cell
        if let begun = stage.command {
            running = begun
        } else {
            do throws(CellRefusal) {
                let number: UInt32
                if let requested = stage.hostRequest {
                    number = requested
                } else {
                    number = try await place.request(command, reading: run.input)
                    stage.requested(number)
                }
                running = try await place.command(number)
            } catch {
                stage.requestWasRefused()
                wasRefused = true
                throw CellFailure(.other, Self.sentence(error))
            }
            stage.began(running)
        }
        defer { stage.commandEnded() }
        report = running.report
        do throws(CellFailure) {
            let end = try await running.followCommand(stage, onOutput: onOutput)
            self.end = end
            await running.close()
            return end
        } catch {
            await running.close()
            throw error
        }
    }

    private static func sentence(_ refusal: CellRefusal) -> String {
        let what = refusal.wall.map { "it cannot be without the wall \($0.rawValue): " } ?? ""
        return "The command was not run: \(what)\(refusal.reason). What helps: \(refusal.remedy)."
    }
}
