import Bus

/// polkit's word on what somebody on the bus wants to do.
extension Polkit {
    /// Returns when they may.
    func authorize(
        _ wanted: BusAuthorization, of caller: String, interactive: Bool
    ) async throws(BusFault) {
        let decision: PolkitAuthority.Decision
        do throws(BusError) {
            let details = wanted.details.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
            decision = try await authority.check(
                wanted.action, .busName(caller), details, interactive: interactive)
        } catch {
            throw BusFault(
                name: DBusNames.errors + "NoAuthority",
                "polkit cannot be asked about \(wanted.action): \(error)")
        }
        if decision.isAuthorized { return }
        if decision.needsAgent {
            guard interactive else {
                throw BusFault(
                    .interactiveAuthorizationRequired,
                    "\(wanted.action) needs somebody who proves who they are, and the call does not allow to ask them"
                )
            }
            throw BusFault(
                name: DBusNames.errors + "NoAgent",
                "\(wanted.action) needs somebody who proves who they are, and no agent of polkit's runs in this session: start one (pkttyagent --process PID), or be root"
            )
        }
        throw BusFault(
            .accessDenied,
            decision.isDismissed
                ? "whoever polkit asked about \(wanted.action) has dismissed the question"
                : "polkit does not authorize \(wanted.action)")
    }
}
