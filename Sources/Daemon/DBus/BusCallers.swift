import Bus
import EventLoop

/// Who is on the bus, as far as they have called us: asked of the bus once, for what it says never changes, and
/// forgotten when they leave. A unique name is nobody else's as long as the bus lives.
// Unchecked: touched on the loop's thread only.
final class BusCallers: @unchecked Sendable {
    private let bus: BusConnection
    private let loop: EventLoop
    private var known: [String: Task<Result<BusCaller, BusError>, Never>] = [:]

    init(_ bus: BusConnection, on loop: EventLoop) { (self.bus, self.loop) = (bus, loop) }

    func caller(named name: String) async throws(BusError) -> BusCaller {
        let asking: Task<Result<BusCaller, BusError>, Never>
        if let known = known[name] {
            asking = known
        } else {
            asking = Task(executorPreference: loop) { [bus] in
                do throws(BusError) {
                    return .success(try await bus.credentials(of: name))
                } catch {
                    return .failure(error)
                }
            }
            known[name] = asking
        }
        let answer = await asking.value
        if case .failure = answer { known[name] = nil }
        return try answer.get()
    }

    func forget(_ name: String) { known[name] = nil }
    func forgetAll() { known = [:] }
}
