// A session, what its client was told, and what may still be told.
//
// Invariants asserted here: every line that is sent is one JSON-RPC message without duplicate keys (or a
// batch of them, where batches exist); a request is answered at most once, under the id that it had, and
// never under that of a call in flight; a started call is answered exactly once when it ends, never after
// its cancellation, and nothing is sent for it afterwards; progress goes up and bears the client's token;
// a call asks one question at a time, none after its end, and hears at most one answer to it;
// what is in flight stays within its limit and ends when everything has ended; an answer is no longer than
// its request warrants.

import JSON
import MCP

struct Conversation {
    private enum State { case running, ended, answered, cancelled }

    private struct Call {
        let id: CallID
        var state = State.running
        /// The message that asked for it; unknown in a batch, which may also hold its answer back.
        let request: JSONValue?
        var progress = -Double.infinity
        var isAsking = false
    }

    private static let limits: SessionLimits = {
        var limits = SessionLimits()
        limits.inFlight = 6
        return limits
    }()

    private var session: ServerSession
    private let lineLimit: Int
    private var calls: [Call] = []
    /// Requests without an answer, by the text of their ids.
    private var owed: [[UInt8]: Int] = [:]
    private var listens = 0
    /// The token of the call that progresses.
    private var announced: JSONValue?

    init(lineLimit: Int) {
        session = ServerSession(Fixture.server, tools: Fixture.catalogue, limits: Self.limits)
        self.lineLimit = lineLimit
    }

    // MARK: The client speaks

    mutating func receive(_ line: LineFramer.Line) {
        var size = 0
        var request: JSONValue?
        if case .line(let bytes) = line, let root = (try? JSONDocument(bytes))?.root {
            size = bytes.count
            request = root.isObject ? root : nil
            for message in root.isObject ? [root] : Array(root.elements) {
                if let id = message["id"] { owed[Array(id.bytes), default: 0] += 1 }
            }
        }
        var out = Outbox()
        session.receive(line, lineLimit: lineLimit, &out)
        for effect in out.effects { absorb(effect, of: request) }
        require(out.bytes.count <= 4096 + 128 * size, "\(size) bytes make \(out.bytes.count)")
        absorb(out.bytes)
        checkInFlight()
    }

    private mutating func absorb(_ effect: Effect, of request: JSONValue?) {
        switch effect {
        case .start(let call):
            require(!calls.contains { $0.id == call.id }, "a call is started twice")
            require(Fixture.catalogue.contains(call.tool), "no such tool: \(call.tool)")
            require(call.arguments?.isObject != false, "arguments that are no object")
            calls.append(Call(id: call.id, request: request))
        case .cancel(let id):
            guard let call = calls.firstIndex(where: { $0.id == id }) else {
                fatalError("a call is cancelled that was never started")
            }
            require(calls[call].state == .running, "cancelled when \(calls[call].state)")
            calls[call].state = .cancelled
        case .answered(let id, let answer):
            guard let call = calls.firstIndex(where: { $0.id == id }) else {
                fatalError("an answer to a call that was never started")
            }
            require(calls[call].state == .running && calls[call].isAsking, "an answer to no question")
            if case .chosen(let choice) = answer {
                require(Fixture.form.choices.contains(choice), "an answer that was not offered")
            }
            calls[call].isAsking = false
        case .claim(let name):
            require(name.utf8.count <= Self.limits.nameBytes, "a name of \(name.utf8.count) bytes")
        }
    }

    // MARK: The server acts

    /// One thing that happens to a call, or to the session.
    mutating func act(_ decision: UInt8) {
        let chosen = calls.isEmpty ? nil : Int(decision >> 3) % calls.count
        switch (decision & 7, chosen) {
        case (1, let call?): finish(call)
        case (2, let call?): fail(call)
        case (3, let call?), (4, let call?): progress(call, Double(Int8(bitPattern: decision)))
        case (5, let call?): log(call)
        case (0, let call?) where decision & 8 != 0: ask(call)
        case (0, let call?) where decision != 0: requireInput(call)
        case (6, _): perform { $0.setTools(Fixture.catalogue, &$1) }
        case (7, _) where decision == 0xFF: perform { $0.beginClosing(&$1) }
        default: break
        }
        checkInFlight()
    }

    private mutating func finish(_ call: Int) {
        end(call) { $0.finish($1, with: .text("call \(call)"), &$2) }
    }

    private mutating func requireInput(_ call: Int) {
        end(call) { $0.requireInput($1, Fixture.form, state: "call \(call)", &$2) }
    }

    private mutating func fail(_ call: Int) {
        end(call) { $0.fail($1, with: .internalError("call \(call)"), &$2) }
    }

    private mutating func end(
        _ call: Int, _ how: (inout ServerSession, CallID, inout Outbox) -> Void
    ) {
        let before = calls[call]
        if before.state == .running { calls[call].state = .ended }
        let sent = perform { how(&$0, before.id, &$1) }
        if before.state == .running && before.request != nil {
            // A question that waits is taken back.
            require(
                sent == (before.isAsking ? 2 : 1) && calls[call].state == .answered,
                "call \(call) ended without an answer")
        } else if before.state != .running {
            require(sent == 0, "something is sent for a call that is \(before.state)")
        }
    }

    private mutating func progress(_ call: Int, _ progress: Double) {
        let before = calls[call]
        announced = before.request?["params"]?["_meta"]?["progressToken"]
        let sent = perform { $0.progress(before.id, progress, of: 100, message: "call \(call)", &$1) }
        require(sent == 0 || before.state == .running, "progress of a call that is \(before.state)")
        require(sent == 0 || progress > before.progress, "progress from \(before.progress) to \(progress)")
        if sent > 0 { calls[call].progress = progress }
    }

    private mutating func ask(_ call: Int) {
        let before = calls[call]
        var isAsked = false
        let sent = perform { isAsked = $0.ask(before.id, Fixture.form, &$1) }
        require(sent == (isAsked ? 1 : 0), "\(sent) questions")
        require(!isAsked || before.state == .running && !before.isAsking, "a question of \(before)")
        if isAsked { calls[call].isAsking = true }
    }

    private mutating func log(_ call: Int) {
        let before = calls[call]
        let sent = perform {
            $0.log(before.id, .error, logger: "call \(call)", data: Array("{}".utf8), &$1)
        }
        require(sent == 0 || before.state == .running, "a log line of a call that is \(before.state)")
    }

    /// Everything ends: nothing may be left.
    mutating func end(_ schedule: inout Schedule) {
        while let last = calls.lastIndex(where: { $0.state == .running }) {
            let decision = schedule.next()
            let chosen = Int(decision >> 1) % calls.count
            let call = calls[chosen].state == .running ? chosen : last
            if decision & 1 == 0 { finish(call) } else { fail(call) }
        }
        perform { $0.beginClosing(&$1) }
        require(!session.hasCallsInFlight, "calls are in flight after all have ended")
        for call in calls.indices {
            require(
                calls[call].state == .answered || calls[call].state == .cancelled,
                "call \(call) is \(calls[call].state) in the end")
            finish(call)
            log(call)
        }
    }

    /// How many lines were sent.
    @discardableResult
    private mutating func perform(_ act: (inout ServerSession, inout Outbox) -> Void) -> Int {
        var out = Outbox()
        act(&session, &out)
        require(out.effects.isEmpty, "an effect that the client did not cause")
        return absorb(out.bytes)
    }

    private func checkInFlight() {
        let running = calls.count { $0.state == .running }
        require(running <= Self.limits.inFlight, "\(running) calls in flight")
        require(session.hasCallsInFlight || running == 0, "calls in flight are forgotten")
        require(!session.hasCallsInFlight || running > 0 || listens > 0, "what is in flight?")
    }

    // MARK: The client listens

    @discardableResult
    private mutating func absorb(_ bytes: [UInt8]) -> Int {
        require(bytes.isEmpty || bytes.last == 0x0A, "a line without its end")
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast()
        for line in lines {
            guard let document = try? JSONDocument(Array(line)) else {
                fatalError("not JSON: \(String(decoding: line, as: UTF8.self))")
            }
            require(document.duplicateKeyOffset == nil, "a duplicate key in what is sent")
            require(document.isCompact, "white space in what is sent")
            if document.root.kind == .array {
                require(session.revision == .v2025_03_26, "a batch in another revision")
                require(document.root.count > 0, "an empty batch")
                for response in document.root.elements { absorbAnswer(response, isBatched: true) }
            } else if document.root["method"] == nil {
                absorbAnswer(document.root, isBatched: false)
            } else {
                absorbNotification(document.root)
            }
        }
        return lines.count
    }

    private mutating func absorbAnswer(_ answer: JSONValue, isBatched: Bool) {
        require(answer["jsonrpc"]?.isString("2.0") == true, "no JSON-RPC version")
        require((answer["result"] == nil) != (answer["error"] == nil), "a result, or an error")
        guard let id = answer["id"] else { fatalError("an answer without id") }
        if id.isNull {
            require(answer["error"] != nil, "a result for nobody")
            let saysTaken = answer["error"]?["message"]?.isString("this id is in flight already") == true
            // A batch says so when it is done, and its calls with it.
            require(
                !saysTaken || isBatched || session.hasCallsInFlight, "an id is in flight when nothing is")
        } else {
            require(owed[Array(id.bytes), default: 0] > 0, "an answer that nobody waits for")
            owed[Array(id.bytes)]? -= 1
            let isTaken = calls.contains {
                $0.state == .running && $0.request?["id"]?.bytes.elementsEqual(id.bytes) == true
            }
            require(!isTaken, "an answer under the id of another call")
        }
        guard let call = Self.call(of: answer) else { return }
        require(calls[call].state == .ended, "an answer to a call that is \(calls[call].state)")
        require(Self.isSame(id, calls[call].request?["id"]), "an answer under another id")
        calls[call].state = .answered
    }

    /// Byte for byte; a batch's are not known here.
    private static func isSame(_ echo: JSONValue, _ sent: JSONValue?) -> Bool {
        sent.map { $0.bytes.elementsEqual(echo.bytes) } ?? true
    }

    /// The call whose result or error this is: they say so.
    private static func call(of answer: JSONValue) -> Int? {
        let content = answer["result"]?["content"]?.elements.first { _ in true }
        let text =
            content?["text"]?.string ?? answer["result"]?["requestState"]?.string
            ?? answer["error"]?["message"]?.string
        return text.flatMap { $0.hasPrefix("call ") ? Int($0.dropFirst(5)) : nil }
    }

    private mutating func absorbNotification(_ notification: JSONValue) {
        let isRequest = notification["method"]?.isString("elicitation/create") == true
        require((notification["id"] == nil) != isRequest, "a request of ours that asks nothing")
        require(notification["params"]?.isObject == true, "no params")
        switch notification["method"]?.string {
        case "notifications/subscriptions/acknowledged": listens += 1
        case "notifications/progress":
            guard let token = notification["params"]?["progressToken"] else {
                fatalError("progress without a token")
            }
            require(Self.isSame(token, announced), "progress under another token")
        case "notifications/tools/list_changed", "notifications/message", "notifications/cancelled",
            "elicitation/create":
            break
        case let other: fatalError("an unknown notification: \(String(describing: other))")
        }
    }
}

private enum Fixture {
    static let form = Form(message: "May it?", title: "Answer", choices: ["yes", "no"])

    static let server = ServerDescription(
        name: "fuzzed", title: "Fuzzed", version: "1", instructions: "None.")

    static let catalogue = ToolCatalogue(
        ["a", "b", "c"].map { name in
            Tool(
                name: name, title: name, description: "Does nothing",
                inputSchema: JSONDocument(literal: #"{"type":"object"}"#),
                annotations: Tool.Annotations(readOnly: true))
        }, pageSize: 2)
}
