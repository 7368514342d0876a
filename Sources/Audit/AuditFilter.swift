/// Which records somebody wants to see: all that is set must hold.
package struct AuditFilter: Equatable, Sendable {
    /// A user's name or number, a session's number, an executable's path or last part, or an application's name.
    package var client: String?
    /// The same, but of one kind alone.
    package var user: String?
    package var session: String?
    package var executable: String?
    package var tool: String?
    package var verdict: String?
    package var outcome: String?
    package var kind: String?
    package var since: AuditTime?
    package var until: AuditTime?

    package init() {}

    package func fits(_ entry: AuditEntry) -> Bool {
        if let since, entry.time < since { return false }
        if let until, entry.time > until { return false }
        if let kind, entry.kindName != kind { return false }
        return has(tool, entry, .tool) && has(verdict, entry, .verdict) && has(outcome, entry, .outcome)
            && has(session, entry, .session) && fitsClient(entry)
    }

    private func has(_ wanted: String?, _ entry: AuditEntry, _ facts: AuditFact...) -> Bool {
        guard let wanted else { return true }
        return facts.contains { entry.fact($0) == wanted }
    }

    private func fitsClient(_ entry: AuditEntry) -> Bool {
        guard has(user, entry, .user, .uid), executable.map({ isExecutable($0, of: entry) }) ?? true else {
            return false
        }
        guard let client else { return true }
        return has(client, entry, .user, .uid, .session, .application) || isExecutable(client, of: entry)
    }

    private func isExecutable(_ wanted: String, of entry: AuditEntry) -> Bool {
        guard let executable = entry.fact(.executable) else { return false }
        return executable == wanted || executable.hasSuffix("/\(wanted)")
    }
}
