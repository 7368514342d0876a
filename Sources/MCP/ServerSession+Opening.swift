import JSON

/// How a session begins, in each era.
extension ServerSession {
    /// `initialize`: a revision that we know is echoed; any other gets our newest legacy one as an offer.
    mutating func handshake(_ request: Request, _ out: inout Outbox) throws(ProtocolError) {
        guard let version = request.params?["protocolVersion"]?.string else {
            throw .invalidParams("protocolVersion must be a string")
        }
        guard request.params?["capabilities"]?.isObject == true else {
            throw .invalidParams("capabilities must be an object")
        }
        clientInfo = try ClientInfo(request.params?["clientInfo"], called: "clientInfo")
        let known = Revision(rawValue: version).flatMap { $0.era == .legacy ? $0 : nil }
        let revision = known ?? .newestLegacy
        phase = .legacy(revision)
        elicitation = ElicitationSupport(request.params?["capabilities"], revision)
        answer(request.id, revision, batch: nil, &out) { [server] result in
            result.member("protocolVersion", revision.rawValue)
            result.key("capabilities")
            server.writeCapabilities(to: &result)
            result.key("serverInfo")
            server.writeInfo(to: &result, for: revision)
            result.member("instructions", server.instructions)
        }
    }

    mutating func discover(
        _ request: Request, _ revision: Revision, _ out: inout Outbox
    ) {
        answer(request.id, revision, batch: nil, &out) { [server] result in
            result.array("supportedVersions") { versions in
                for each in Revision.newestFirst { versions.string(each.rawValue) }
            }
            result.key("capabilities")
            server.writeCapabilities(to: &result)
            result.member("instructions", server.instructions)
            // The same for every client, until another version of us is installed.
            result.cacheHints(seconds: 3600, .public)
        }
    }
}
