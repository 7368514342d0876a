import Cells
import Policy

/// The terms on which a client's programs run, in its cell or outside of it.
extension ClientPolicy {
    var mostMilliseconds: UInt32? { limits[.wallClock].map { UInt32(clamping: $0 * 1000) } }

    /// With policy's own variables, in place of what a call sets.
    func onTerms(_ start: ProgramStart) -> ProgramStart {
        var start = start
        let set = start.environment.filter { variable in
            !environment.keys.contains { variable.hasPrefix($0 + "=") }
        }
        start.environment = set + environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return start
    }

    /// No more than policy gives.
    func onTerms(mostOutput: UInt32) -> UInt32 {
        limits[.output].map { min(mostOutput, UInt32(clamping: $0)) } ?? mostOutput
    }
}
