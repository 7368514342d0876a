import JSON

extension ServerSession {
    mutating func listTools(
        _ request: Request, _ revision: Revision, batch: Int?, _ out: inout Outbox
    ) throws(ProtocolError) {
        let page = try catalogue.page(after: request.params?["cursor"], for: revision)
        answer(request.id, revision, batch: batch, &out) { result in
            result.array("tools") { array in
                for tool in page.tools { array.written(tool) }
            }
            result.optionalMember("nextCursor", page.nextCursor)
            // What a client may see is decided for that client, and can change by an administrator's hand.
            if revision.era == .modern { result.cacheHints(seconds: 30, .private) }
        }
    }

    mutating func callTool(
        _ request: Request, _ revision: Revision, _ elicitation: ElicitationSupport, retry: RetryInput?,
        logLevel: LogLevel?, batch: Int?, _ out: inout Outbox
    ) throws(ProtocolError) {
        guard let name = request.params?["name"]?.string else {
            throw .invalidParams("name must be a string")
        }
        let arguments = request.params?["arguments"]
        guard arguments == nil || arguments?.isObject == true else {
            throw .invalidParams("arguments must be an object")
        }
        guard catalogue.contains(name) else { throw .invalidParams("unknown tool: \(name)") }
        let call = try register(
            request, revision, .call, progressToken: progressToken(of: request),
            logLevel: logLevel, batch: batch)
        out.effects.append(
            .start(
                ToolCall(
                    id: call, tool: name, arguments: arguments, revision: revision,
                    elicitation: elicitation, retry: retry)))
    }

    private func progressToken(of request: Request) throws(ProtocolError) -> JSONValue? {
        guard let token = request.params?["_meta"]?["progressToken"] else { return nil }
        guard RequestID(token) != nil else {
            throw .invalidParams("_meta.progressToken must be a string or an integer")
        }
        return token
    }

    // MARK: What the owner reports

    package mutating func finish(_ call: CallID, with result: ToolResult, _ out: inout Outbox) {
        withdrawQuestion(of: call, &out)
        guard let finished = forget(call) else { return }
        answer(finished.request, finished.revision, batch: finished.batch, &out) {
            result.writeMembers(to: &$0, for: finished.revision)
        }
        if let batch = finished.batch { release(batch, &out) }
    }

    package mutating func fail(_ call: CallID, with error: ProtocolError, _ out: inout Outbox) {
        withdrawQuestion(of: call, &out)
        guard let failed = forget(call) else { return }
        answer(failed.request, error, batch: failed.batch, &out)
        if let batch = failed.batch { release(batch, &out) }
    }

    /// Sent when the client asked for progress and it is more than before.
    package mutating func progress(
        _ call: CallID, _ progress: Double, of total: Double? = nil, message: String? = nil,
        _ out: inout Outbox
    ) {
        guard let current = inFlight[call], let token = current.progressToken,
            progress > current.progress, progress.isFinite
        else { return }
        inFlight[call]?.progress = progress
        notify("notifications/progress", &out) { params in
            params.member("progressToken", token)
            params.member("progress", progress)
            if let total, total.isFinite { params.member("total", total) }
            if current.revision.isAtLeast(.v2025_03_26) {
                params.optionalMember("message", message)
            }
        }
    }

    /// A line of a call's log. `data` is one JSON value.
    package mutating func log(
        _ call: CallID, _ level: LogLevel, logger: String, data: [UInt8], _ out: inout Outbox
    ) {
        guard let current = inFlight[call] else { return }
        switch current.revision.era {
        case .legacy: guard level >= logLevel else { return }
        case .modern: guard let wanted = current.logLevel, level >= wanted else { return }
        }
        notify("notifications/message", &out) { params in
            params.member("level", level.rawValue)
            params.member("logger", logger)
            params.key("data")
            params.written(data)
        }
    }
}
