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
    let office: Office
    private let log: Log

    /// What a call comes to.
    package enum Reply: Sendable {
        case result(ToolResult)
        /// The client's user is to be asked, and the call is to be made again.
        case inputRequired(Form, state: String)
    }

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

    /// A tool that is denied to a client whatever its arguments are is none that it sees; nor one that starts commands
    /// on the host, where no rule gives the client any.
    func maySee(_ tool: String, by policy: SessionPolicy) -> Bool {
        guard policy.maySee(tool: tool) else { return false }
        return tools[tool]?.place != .host || policy.gives(.systemCommand) || policy.gives(.codeExecutionSudo)
    }

    func perform(
        _ call: ToolCall, for client: Client, by policy: SessionPolicy, in place: CellPlace,
        over channel: any CallChannel, _ stage: CallStage = CallStage()
    ) async throws(ProtocolError) -> Reply {
        // The tool was there when the call was accepted; a reload may have taken it since.
        guard let registered = tools[call.tool] else {
            throw .invalidParams("unknown tool: \(call.tool)")
        }
        let trail = CallTrail(call, of: client, by: policy, over: channel, stage)
        if let retry = call.retry, !stage.isPermitted {
            trail.returned = try office.consent.readmit(
                retry, digest: trail.digest, of: Asker(policy.facts))
        }
        let result = await answer(to: call, registered, trail, policy, in: place)
        // Withheld, where it cannot be put on record: nothing leaves that nobody could account for.
        if let obstacle = office.auditor.write(trail.record(of: result)) {
            return .result(.failure(obstacle))
        }
        log.debug("\(client.description): \(call.tool) \(result.isError ? "failed" : "succeeded")")
        switch trail.question {
        case .open(let form, let state): return .inputRequired(form, state: state)
        case .unaskable(let reason) where call.revision.era == .modern: throw .clientCannotBeAsked(reason)
        default: return .result(result)
        }
    }

    /// Why a call that a process before us had begun is not gone on with.
    enum Loss: String {
        case crash =
            "cloisterd has ended unexpectedly while this call was under way; whether it had any effect is not known"
        case command =
            "this command was lost when cloisterd was started again; whether it had any effect is not known"
    }

    func lose(
        _ call: ToolCall, by loss: Loss, of client: Client, by policy: SessionPolicy,
        over channel: any CallChannel
    ) -> ProtocolError {
        let trail = CallTrail(call, of: client, by: policy, over: channel, CallStage())
        if let permissions = try? tools[call.tool]?.needs(call.arguments) { _ = trail.decide(permissions) }
        _ = office.auditor.write(trail.record(of: trail.refuse(loss.rawValue, as: .failed)))
        return .internalError(loss.rawValue)
    }

    private func answer(
        to call: ToolCall, _ registered: RegisteredTool, _ trail: CallTrail, _ policy: SessionPolicy,
        in place: CellPlace
    ) async -> ToolResult {
        let reporter = trail.caller.channel
        // What was permitted in a process before us was counted there, too.
        if !trail.stage.isPermitted,
            let obstacle = office.auditor.obstacle() ?? office.meter.obstacle(call.tool, policy)
        {
            return trail.refuse(obstacle, as: .refused)
        }
        do throws(Arguments.Fault) {
            let permissions = try registered.needs(call.arguments)
            if trail.stage.isPermitted {
                trail.acceptAgain(permissions)
            } else if let refusal = await permit(permissions, trail) {
                // Nobody has denied what was taken back while a person was asked.
                return trail.refuse(refusal, as: Task.isCancelled ? .cancelled : .denied)
            }
            trail.stage.isPermitted = true
        } catch {
            // What the call would need nobody knows; whether the tool may be called at all is decided and recorded.
            if let refusal = trail.decide([]).refusal { return trail.refuse(refusal, as: .denied) }
            return .failure(error.description)
        }
        switch registered.place {
        case .daemon:
            return await registered.run(call.arguments, CallContext(reporter: reporter))
        case .host:
            let command = GovernedCommand(place, policy, trail.stage)
            trail.command = command
            return await registered.run(call.arguments, CallContext(reporter: reporter, host: command))
        case .cell:
            do throws(CellRefusal) {
                let governed = GovernedCell(
                    try await place.get(), policy, consents: trail.fileConsents, trail.stage
                ) { need in
                    let ruling = trail.ruling(on: need)
                    return ruling.way == nil ? Self.changed : await consent(to: [ruling], trail)
                }
                trail.cell = governed
                return await registered.run(call.arguments, CallContext(reporter: reporter, cell: governed))
            } catch {
                // Whoever has left meanwhile was refused nothing.
                if Task.isCancelled { return trail.refuse("\(error)", as: .cancelled) }
                log.warning("\(error)")
                return trail.refuse("\(error)", as: .refused)
            }
        }
    }

    // MARK: 2 permit

    /// Why the call is not permitted, if it is not.
    private func permit(_ permissions: [Permission], _ trail: CallTrail) async -> String? {
        let first = trail.decide(permissions)
        if let refusal = first.refusal ?? trail.returned?.refusal { return refusal }
        guard !first.questions.isEmpty else { return nil }
        if let refusal = await consent(to: first.questions, trail) { return refusal }
        // Meanwhile policy may have changed: what a person allowed is not what policy forbids now, nor what it wants
        // somebody to be asked about in another way.
        let again = trail.decide(permissions)
        if let refusal = again.refusal { return refusal }
        let asked = again.questions.allSatisfy { now in
            first.questions.contains { $0.need == now.need && $0.way == now.way }
        }
        return asked ? nil : Self.changed
    }

    private static let changed = "Policy has changed while a person was asked. Call again."

    /// `nil` when a person, or a grant that they gave, allows all of it: each need in the way that its rule wants.
    private func consent(to rulings: [Permit.Ruling], _ trail: CallTrail) async -> String? {
        for way in Rule.Way.allCases {
            let needs = trail.unsettled(rulings.filter { $0.way == way })
            guard !needs.isEmpty else { continue }
            let outcome = await office.consent.get(trail.question(about: needs), by: way, of: trail.caller)
            switch outcome {
            case .given(let consent):
                trail.accept(consent, for: needs)
            case .withheld(let consent, let reason):
                trail.consent = consent
                return reason
            case .unaskable(let reason):
                trail.question = outcome
                return reason
            case .open:
                trail.question = outcome
                return "The application's user has to be asked first."
            }
        }
        return nil
    }
}
