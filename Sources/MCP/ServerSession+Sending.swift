import JSON

/// What is in flight, and how answers and notifications are written.
extension ServerSession {
    // MARK: In flight

    mutating func register(
        _ request: Request, _ revision: Revision, _ kind: InFlight.Kind,
        progressToken: JSONValue?, logLevel: LogLevel?, batch: Int?
    ) throws(ProtocolError) -> CallID {
        guard inFlight.count < limits.inFlight else {
            throw .tooMuchInFlight("requests", limit: limits.inFlight)
        }
        guard bytesInFlight + request.id.value.document.bytes.count <= limits.bytesInFlight else {
            throw .tooMuchInFlight("bytes of requests", limit: limits.bytesInFlight)
        }
        bytesInFlight += request.id.value.document.bytes.count
        lastCall += 1
        let call = CallID(number: lastCall)
        inFlight[call] = InFlight(
            request: request.id, json: request.json, revision: revision, kind: kind,
            progressToken: progressToken, logLevel: logLevel, batch: batch)
        callsByRequest[request.id] = call
        changes?.append(.opened(call))
        if let batch { batches[batch]?.holds += 1 }
        return call
    }

    /// From here on nothing can be sent for the call, but for the answer that the caller writes.
    mutating func forget(_ call: CallID) -> InFlight? {
        guard let gone = inFlight.removeValue(forKey: call) else { return nil }
        callsByRequest[gone.request] = nil
        changes?.append(.closed(call))
        bytesInFlight -= gone.request.value.document.bytes.count
        return gone
    }

    // MARK: Answers

    /// Modern: what a result is.
    enum ResultType: String { case complete, inputRequired = "input_required" }

    /// A result; `subscription` is the listen request that it ends.
    mutating func answer(
        _ id: RequestID, _ revision: Revision, batch: Int?, _ out: inout Outbox,
        type: ResultType = .complete, subscription: RequestID? = nil, _ members: (inout JSONWriter) -> Void
    ) {
        respond(id, batch, &out) { [server] response in
            response.object {
                $0.member("jsonrpc", "2.0")
                $0.member("id", id.value)
                $0.object("result") { result in
                    members(&result)
                    guard revision.era == .modern else { return }
                    result.member("resultType", type.rawValue)
                    result.object("_meta") { meta in
                        meta.key(MetaKey.serverInfo)
                        server.writeInfo(to: &meta, for: revision)
                        if let subscription {
                            meta.member(MetaKey.subscriptionID, subscription.value)
                        }
                    }
                }
            }
        }
    }

    /// An error. Without an id that could be read, JSON-RPC wants `null`.
    mutating func answer(
        _ id: RequestID?, _ error: ProtocolError, batch: Int?, _ out: inout Outbox
    ) {
        respond(id, batch, &out) { error.writeResponse(to: &$0, id: id) }
    }

    private mutating func respond(
        _ id: RequestID?, _ batch: Int?, _ out: inout Outbox, _ write: (inout JSONWriter) -> Void
    ) {
        guard let batch else { return send(&out, write) }
        var response = JSONWriter.bytes(write)
        if bytesInBatches + response.count > limits.bytesInBatches {
            let error = ProtocolError.tooMuchInFlight("bytes of answers", limit: limits.bytesInBatches)
            response = JSONWriter.bytes { error.writeResponse(to: &$0, id: id) }
        }
        batches[batch]?.responses.append(response)
        changes?.append(.answeredIn(batch: batch))
        batches[batch]?.bytes += response.count
        bytesInBatches += response.count
    }

    // MARK: Lines

    func notify(
        _ method: StaticString, _ out: inout Outbox, _ params: (inout JSONWriter) -> Void
    ) {
        send(&out) { line in
            line.object {
                $0.member("jsonrpc", "2.0")
                $0.key("method")
                $0.string(method.description)
                $0.object("params", params)
            }
        }
    }

    func send(_ out: inout Outbox, _ write: (inout JSONWriter) -> Void) {
        var bytes: [UInt8] = []
        swap(&bytes, &out.bytes)
        var writer = JSONWriter(into: bytes)
        write(&writer)
        out.bytes = writer.finishLine()
    }
}
