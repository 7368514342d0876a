import Bus

/// What polkit is asked about administrators: each an action in polkit/org.cloister.Cloister1.policy.
package enum AdministrativeAct: String, CaseIterable, Sendable {
    case view = "view"
    case answerOwn = "answer-own"
    case manageApprovals = "manage-approvals"
    case manageOwnGrants = "manage-own-grants"
    case manageGrants = "manage-grants"
    case reload = "reload"
    case setLogging = "set-logging"

    package var action: String { DBusNames.bus + "." + rawValue }
}

extension BusCall {
    var uid: UInt32 { caller?.uid ?? .max }

    /// Root may always; of others polkit decides, and asks whoever its rules say.
    func require(_ act: AdministrativeAct, _ details: [String: String] = [:]) throws(BusFault) {
        let authorization = BusAuthorization(act.action, details)
        guard uid != 0, !authorized.contains(authorization) else { return }
        throw BusFault(wants: authorization)
    }
}
