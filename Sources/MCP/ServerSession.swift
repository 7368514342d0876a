// One connection's protocol, without any I/O: lines in, lines and effects out.
//
//                 initialize                      a request with an envelope that is served
//   ┌────────────────────────── undecided ──────────────────────────────┐
//   ▼                                                                   ▼
// legacy(revision)                                                    modern
//
// The first request that is accepted decides the era, and the era is never changed. `server/discover`,
// `ping` and every request that is refused decide nothing: a client may probe and then do the other thing.
//
// What can be answered at once is (initialize, discover, ping, lists); a tool call becomes an effect, and
// its owner reports back by `CallID`: progress, log lines, and one result. Calls run concurrently and are
// answered in any order.
//
// Invariants: an id is answered at most once. Nothing is sent for a call after its answer, and no answer
// after its cancellation. What is in flight is limited. A call asks its client one question at a time, and none
// after its end. A response that matches nothing is dropped.
//
// This file decides what a message is in which state. What each method does is in the files beside it.

import JSON

/// What the session's owner shall do, in order.
package enum Effect: Sendable {
    case start(ToolCall)
    case cancel(CallID)
    /// To what the call asked.
    case answered(CallID, FormAnswer)
    /// The application's name as its bridge states it: a claim.
    case claim(String)
}

/// Names a call between the session and its owner; never seen by a client.
package struct CallID: Hashable, Sendable {
    package let number: UInt64

    package init(number: UInt64) { self.number = number }
}

package struct ToolCall: Sendable {
    package let id: CallID
    package let tool: String
    /// An object, or absent.
    package let arguments: JSONValue?
    package let revision: Revision
    package let elicitation: ElicitationSupport
    /// Of a call that is made again.
    package let retry: RetryInput?
}

/// Lines to send, each ended by "\n", and effects to carry out.
package struct Outbox: Sendable {
    package var bytes: [UInt8] = []
    package var effects: [Effect] = []

    package init() {}
}

package struct SessionLimits: Sendable {
    package var json = JSONLimits.standard
    package var inFlight = 1000
    /// A call in flight keeps the line that it came in.
    package var bytesInFlight = 64 << 20
    package var bytesInBatches = 16 << 20
    package var nameBytes = 128

    package init() {}
}

package struct ServerSession: Sendable {
    enum Phase: Equatable {
        case undecided
        case legacy(Revision)
        case modern
    }

    /// A request that is not answered yet.
    struct InFlight {
        enum Kind {
            case call
            /// `subscriptions/listen`, and whether it asked for changes of the tool list.
            case listen(toolsListChanged: Bool)
        }

        let request: RequestID
        /// As it was sent.
        let json: JSONValue
        let revision: Revision
        let kind: Kind
        let progressToken: JSONValue?
        /// Modern: log lines of this level and above go out; absent, none do.
        let logLevel: LogLevel?
        let batch: Int?
        var progress = -Double.infinity
        var question: Question?
    }

    let server: ServerDescription
    let limits: SessionLimits
    package internal(set) var catalogue: ToolCatalogue

    var phase = Phase.undecided
    package internal(set) var clientInfo: ClientInfo?
    /// Legacy: the client has said that it is ready for notifications.
    var isInitialized = false
    /// Legacy: what the handshake said.
    var elicitation = ElicitationSupport.none
    var owesListChanged = false
    /// Legacy: the level that `logging/setLevel` chose; ours until then.
    var logLevel = LogLevel.info
    var isFirstMessage = true
    var isClosing = false

    var inFlight: [CallID: InFlight] = [:]
    var bytesInFlight = 0
    var callsByRequest: [RequestID: CallID] = [:]
    var lastCall: UInt64 = 0
    var callsByQuestion: [UInt64: CallID] = [:]
    var lastQuestion: UInt64 = 0
    var batches: [Int: Batch] = [:]
    var lastBatch = 0
    var bytesInBatches = 0
    /// What has been opened and closed since somebody asked last; `nil` where nobody does.
    package var changes: [Change]?

    package init(
        _ server: ServerDescription, tools: ToolCatalogue, limits: SessionLimits = SessionLimits()
    ) {
        (self.server, self.limits) = (server, limits)
        catalogue = tools
    }

    package var hasCallsInFlight: Bool { !inFlight.isEmpty }

    /// The revision in force, once the era is decided.
    package var revision: Revision? {
        switch phase {
        case .undecided: nil
        case .legacy(let revision): revision
        case .modern: .v2026_07_28
        }
    }

    // MARK: Lines

    package mutating func receive(_ line: LineFramer.Line, lineLimit: Int, _ out: inout Outbox) {
        switch line {
        case .line(let bytes): receive(bytes, &out)
        case .tooLong: answer(nil, .lineTooLong(limit: lineLimit), batch: nil, &out)
        }
    }

    package mutating func receive(_ line: [UInt8], _ out: inout Outbox) {
        let document: JSONDocument
        do throws(JSONError) {
            document = try JSONDocument(line, limits: limits.json)
        } catch {
            // A line of white space is a blank line.
            if error.reason != .empty { answer(nil, .unparsable(error), batch: nil, &out) }
            return
        }
        let isFirst = isFirstMessage
        isFirstMessage = false
        if let offset = document.duplicateKeyOffset {
            answer(nil, .duplicateKey(at: offset), batch: nil, &out)
        } else if document.root.kind == .array {
            receiveBatch(document.root, &out)
        } else {
            receive(Message(document.root), isFirst: isFirst, batch: nil, &out)
        }
    }

    mutating func receive(
        _ message: Message, isFirst: Bool, batch: Int?, _ out: inout Outbox
    ) {
        switch message {
        case .request(let request):
            receive(request, batch: batch, &out)
        case .notification(let method, let params):
            receiveNotification(method, params, isFirst: isFirst, &out)
        case .invalid(let id, let error):
            // Answering under an id that is in flight would answer the other request.
            let isFree = id.map { callsByRequest[$0] == nil } ?? false
            answer(isFree ? id : nil, error, batch: batch, &out)
        case .response(let id, let result):
            receiveAnswer(id, result, &out)
        case .malformedNotification:
            break
        }
    }

    // MARK: Requests: the table of eras

    private mutating func receive(_ request: Request, batch: Int?, _ out: inout Outbox) {
        if callsByRequest[request.id] != nil {
            // Answering under that id would answer the other request.
            let error = ProtocolError.invalidRequest("this id is in flight already")
            return answer(nil, error, batch: batch, &out)
        }
        do throws(ProtocolError) {
            if isClosing { throw .internalError("cloisterd is closing this session") }
            try decide(request, batch: batch, &out)
        } catch {
            answer(request.id, error, batch: batch, &out)
        }
    }

    private mutating func decide(
        _ request: Request, batch: Int?, _ out: inout Outbox
    ) throws(ProtocolError) {
        let envelope = request.envelope
        switch (phase, request.method) {
        case (.undecided, "initialize"):
            try handshake(request, &out)
        case (.legacy, "initialize"):
            throw .invalidRequest(
                batch == nil ? "this session is initialized already" : "initialize cannot be batched")
        case (.modern, "initialize"):
            guard let version = request.params?["protocolVersion"]?.string else {
                throw .invalidParams("protocolVersion must be a string")
            }
            throw .unsupportedVersion(version, supported: [.v2026_07_28])
        case (.legacy, _) where envelope != nil:
            throw .invalidRequest(
                "this session was initialized; requests of the modern era need a connection of their own")
        case (.legacy(let revision), _):
            try serveLegacy(request, revision, batch: batch, &out)
        case (.undecided, _) where envelope != nil, (.modern, _) where envelope != nil:
            try serveModern(request, envelope, &out)
        case (.undecided, "ping"):
            answer(request.id, .v2025_11_25, batch: nil, &out) { _ in }
        default:
            throw .invalidParams(
                "params._meta[\"\(MetaKey.protocolVersion)\"] is missing"
                    + (phase == .undecided ? ", and the session is not initialized" : ""))
        }
    }

    private mutating func serveLegacy(
        _ request: Request, _ revision: Revision, batch: Int?, _ out: inout Outbox
    ) throws(ProtocolError) {
        switch request.method {
        case "ping":
            answer(request.id, revision, batch: batch, &out) { _ in }
        case "logging/setLevel":
            logLevel = try LogLevel(request.params?["level"])
            answer(request.id, revision, batch: batch, &out) { _ in }
        case "tools/list":
            try listTools(request, revision, batch: batch, &out)
        case "tools/call":
            try callTool(
                request, revision, elicitation, retry: nil, logLevel: nil, batch: batch, &out)
        default:
            throw .methodNotFound(request.method)
        }
    }

    private mutating func serveModern(
        _ request: Request, _ envelope: Envelope?, _ out: inout Outbox
    ) throws(ProtocolError) {
        guard let contents = try envelope?.open() else { return }
        switch request.method {
        case "server/discover":
            discover(request, contents.revision, &out)
            return
        case "tools/list":
            try listTools(request, contents.revision, batch: nil, &out)
        case "tools/call":
            try callTool(
                request, contents.revision, contents.elicitation, retry: RetryInput(request.params),
                logLevel: contents.logLevel, batch: nil, &out)
        case "subscriptions/listen":
            try listen(request, contents.revision, &out)
        default:
            throw .methodNotFound(request.method)
        }
        // Only what was served decides.
        phase = .modern
        clientInfo = contents.clientInfo ?? clientInfo
    }

    // MARK: Notifications

    private mutating func receiveNotification(
        _ method: String, _ params: JSONValue?, isFirst: Bool, _ out: inout Outbox
    ) {
        switch (phase, method) {
        case (_, "notifications/cloister/client") where isFirst:
            if let name = params?["name"]?.string, name.utf8.count <= limits.nameBytes {
                out.effects.append(.claim(name))
            }
            // The application's own first message is still to come.
            isFirstMessage = false
        case (.undecided, "notifications/initialized"):
            isInitialized = true
        case (.legacy, "notifications/initialized"):
            isInitialized = true
            if owesListChanged { announceListChanged(&out) }
        case (.legacy, "notifications/cancelled"), (.modern, "notifications/cancelled"):
            if let id = params?["requestId"].flatMap({ RequestID($0) }) { cancel(id, &out) }
        default:
            // Unknown ones mean nothing to us, and nobody waits for an answer.
            break
        }
    }

    /// Cancelled is cancelled: nothing more is sent under that id. Unknown and finished ids are ignored.
    private mutating func cancel(_ request: RequestID, _ out: inout Outbox) {
        guard let call = callsByRequest[request] else { return }
        withdrawQuestion(of: call, &out)
        guard let gone = forget(call) else { return }
        if case .call = gone.kind { out.effects.append(.cancel(call)) }
        if let batch = gone.batch { release(batch, &out) }
    }
}
