import JSON

// A session can go on in another process of ours. What travels is what it has become (its standing), the requests that
// are not answered yet, as they were sent, and the answers of batches that wait for the rest of their batch.

/// What a session has become, beside what is in flight.
package struct SessionStanding: Equatable, Sendable {
    var phase = ServerSession.Phase.undecided
    package var clientInfo: ClientInfo?
    var isInitialized = false
    var elicitation = ElicitationSupport.none
    var owesListChanged = false
    var logLevel = LogLevel.info
    var isFirstMessage = true
    var lastQuestion: UInt64 = 0

    package static let new = SessionStanding()
}

extension ServerSession {
    /// Of what is in flight.
    package enum Change: Equatable, Sendable {
        case opened(CallID)
        case closed(CallID)
        case answeredIn(batch: Int)
    }

    package struct OpenRequest: Equatable, Sendable {
        package let call: UInt64
        package let json: [UInt8]
        package let batch: Int?
        package let progress: Double

        package init(call: UInt64, json: [UInt8], batch: Int?, progress: Double) {
            (self.call, self.json, self.batch, self.progress) = (call, json, batch, progress)
        }
    }

    package struct OpenBatch: Equatable, Sendable {
        package let number: Int
        package let responses: [[UInt8]]

        package init(number: Int, responses: [[UInt8]]) {
            (self.number, self.responses) = (number, responses)
        }
    }

    // MARK: Leaving

    package var standing: SessionStanding {
        SessionStanding(
            phase: phase, clientInfo: clientInfo, isInitialized: isInitialized, elicitation: elicitation,
            owesListChanged: owesListChanged, logLevel: logLevel, isFirstMessage: isFirstMessage,
            lastQuestion: lastQuestion)
    }

    package func openRequest(_ call: CallID) -> OpenRequest? {
        inFlight[call].map {
            OpenRequest(
                call: call.number, json: Array($0.json.bytes), batch: $0.batch, progress: $0.progress)
        }
    }

    package var openRequests: [OpenRequest] {
        inFlight.keys.sorted { $0.number < $1.number }.compactMap { openRequest($0) }
    }

    package func openBatch(_ number: Int) -> OpenBatch? {
        batches[number].map { OpenBatch(number: number, responses: $0.responses) }
    }

    package var openBatches: [OpenBatch] { batches.keys.sorted().compactMap { openBatch($0) } }

    // MARK: Arriving

    /// Before anything else is done with the session.
    package mutating func resume(_ standing: SessionStanding, _ open: [OpenBatch]) {
        (phase, clientInfo, isInitialized) = (
            standing.phase, standing.clientInfo, standing.isInitialized
        )
        (elicitation, owesListChanged) = (standing.elicitation, standing.owesListChanged)
        (logLevel, isFirstMessage) = (standing.logLevel, standing.isFirstMessage)
        lastQuestion = standing.lastQuestion
        for batch in open {
            var kept = Batch()
            kept.responses = batch.responses
            kept.bytes = batch.responses.reduce(0) { $0 + $1.count }
            bytesInBatches += kept.bytes
            batches[batch.number] = kept
            lastBatch = max(lastBatch, batch.number)
        }
    }

    /// A request that was open there is open here. The call that it is, if it is one that can still be made; what has to
    /// be said instead is in `out`.
    package mutating func takeUp(_ open: OpenRequest, _ out: inout Outbox) -> ToolCall? {
        guard let document = try? JSONDocument(open.json, limits: limits.json) else { return nil }
        if let batch = open.batch, batches[batch] == nil {
            batches[batch] = Batch()
            lastBatch = max(lastBatch, batch)
        }
        var said = Outbox()
        receive(Message(document.root), isFirst: false, batch: open.batch, &said)
        for case .start(let call) in said.effects {
            inFlight[call.id]?.progress = open.progress
            return call
        }
        // A subscription was acknowledged when it began.
        if inFlight[CallID(number: lastCall)]?.json.document !== document { out.bytes += said.bytes }
        return nil
    }

    /// All that was open has been taken up: batches of which nothing is left are answered.
    package mutating func endTakingUp(_ out: inout Outbox) {
        for batch in batches.keys.sorted() { release(batch, &out) }
    }
}

// MARK: Coding

extension SessionStanding {
    package var encoded: [UInt8] {
        JSONWriter.bytes { json in
            json.object { json in
                switch phase {
                case .undecided: break
                case .legacy(let revision): json.member("revision", revision.rawValue)
                case .modern: json.member("revision", Revision.v2026_07_28.rawValue)
                }
                if let clientInfo {
                    json.member("name", clientInfo.name)
                    json.member("version", clientInfo.version)
                }
                json.member("initialized", isInitialized)
                json.member("elicitation", elicitation == .byRequest)
                json.member("owes", owesListChanged)
                json.member("level", logLevel.rawValue)
                json.member("first", isFirstMessage)
                json.member("question", lastQuestion)
            }
        }
    }

    /// `nil` where it is nothing that `encoded` wrote.
    package init?(decoding bytes: [UInt8]) {
        guard let json = try? JSONDocument(bytes).root, json.isObject else { return nil }
        if let revision = json["revision"] {
            guard let known = revision.string.flatMap({ Revision(rawValue: $0) }) else { return nil }
            phase = known.era == .modern ? .modern : .legacy(known)
        }
        clientInfo = try? ClientInfo(json, called: "client")
        guard let initialized = json["initialized"]?.bool, let asks = json["elicitation"]?.bool,
            let owes = json["owes"]?.bool, let level = try? LogLevel(json["level"]),
            let first = json["first"]?.bool,
            let question = json["question"]?.integer.flatMap({ UInt64(exactly: $0) })
        else { return nil }
        (isInitialized, elicitation) = (initialized, asks ? .byRequest : .none)
        (owesListChanged, logLevel, isFirstMessage, lastQuestion) = (owes, level, first, question)
    }
}
