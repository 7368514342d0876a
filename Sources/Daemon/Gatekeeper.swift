import Audit
import Cells
import EventLoop
import JSON
import MCP
import Policy
import Tools

// The one way to a tool, whatever the transport:
//
//   1 authenticate → 2 permit → 3 place in cell → 4 run → 5 audit → reply
//
// The client is who the kernel said at accept; what a call needs is said by its tool from its arguments, and
// decided by policy before anything happens, if need be with a person; a tool that works on the machine finds itself
// in the client's cell, or not at all. A step that fails ends the call and says why. Whatever came of it is on record
// before the reply leaves.

package struct Gatekeeper: Sendable {
    private let tools: [String: RegisteredTool]
    private let office: Office
    private let log: Log

    /// What all sessions share.
    package struct Office: Sendable {
        package let auditor: Auditor
        package let consent: Consent
        package let meter: CallMeter

        package init(_ auditor: Auditor, _ consent: Consent, _ meter: CallMeter) {
            (self.auditor, self.consent, self.meter) = (auditor, consent, meter)
        }
    }

    package init(_ tools: [RegisteredTool], _ office: Office, log: Log) {
        self.tools = Dictionary(uniqueKeysWithValues: tools.map { ($0.tool.name, $0) })
        (self.office, self.log) = (office, log)
    }

    package func perform(
        _ call: ToolCall, for client: Client, by policy: SessionPolicy, in place: CellPlace,
        reportingTo reporter: any CallReporter
    ) async throws(ProtocolError) -> ToolResult {
        // The tool was there when the call was accepted; a reload may have taken it since.
        guard let registered = tools[call.tool] else {
            throw .invalidParams("unknown tool: \(call.tool)")
        }
        let trail = CallTrail(call, of: client, by: policy)
        var result = await answer(to: call, registered, trail, policy, in: place, reporter)
        // Withheld, where it cannot be put on record: nothing leaves that nobody could account for.
        if let obstacle = office.auditor.write(trail.record(of: result)) { result = .failure(obstacle) }
        log.debug("\(client.description): \(call.tool) \(result.isError ? "failed" : "succeeded")")
        return result
    }

    private func answer(
        to call: ToolCall, _ registered: RegisteredTool, _ trail: CallTrail, _ policy: SessionPolicy,
        in place: CellPlace, _ reporter: any CallReporter
    ) async -> ToolResult {
        if let obstacle = office.auditor.obstacle() ?? office.meter.obstacle(call.tool, policy) {
            return trail.refuse(obstacle, as: .refused)
        }
        do throws(Arguments.Fault) {
            let permissions = try registered.needs(call.arguments)
            if let refusal = await permit(permissions, trail) { return trail.refuse(refusal, as: .denied) }
        } catch {
            return .failure(error.description)
        }
        guard registered.usesCell else {
            return await registered.run(call.arguments, CallContext(reporter: reporter, cell: NoCell()))
        }
        do throws(CellRefusal) {
            let governed = GovernedCell(try await place.get(), policy, consents: trail.fileConsents) { need in
                await consent(to: [need], trail) == nil
            }
            trail.cell = governed
            return await registered.run(call.arguments, CallContext(reporter: reporter, cell: governed))
        } catch {
            log.warning("\(error)")
            return trail.refuse("\(error)", as: .refused)
        }
    }

    // MARK: 2 permit

    /// Why the call is not permitted, if it is not.
    private func permit(_ permissions: [Permission], _ trail: CallTrail) async -> String? {
        let first = trail.decide(permissions)
        if let refusal = first.refusal { return refusal }
        guard !first.questions.isEmpty else { return nil }
        let asked = first.questions.map(\.need)
        if let refusal = await consent(to: asked, trail) { return refusal }
        // Meanwhile policy may have changed: what a person allowed is not what policy forbids now.
        let again = trail.decide(permissions)
        if let refusal = again.refusal { return refusal }
        guard again.questions.allSatisfy({ asked.contains($0.need) }) else {
            return "Policy has changed while a person was asked. Call again."
        }
        return nil
    }

    /// `nil` when a person, or a grant that they gave, allows it.
    private func consent(to needs: [Need], _ trail: CallTrail) async -> String? {
        switch await office.consent.get(trail.question(about: needs), by: trail.way(of: needs)) {
        case .given(let consent):
            trail.accept(consent, for: needs)
            return nil
        case .withheld(let consent, let reason):
            trail.consent = consent
            return reason
        }
    }
}
