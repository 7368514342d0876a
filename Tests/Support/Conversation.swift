import JSON
import MCP

/// A client's side of a session without any I/O: says lines, hears lines, and plays the owner of the calls.
package struct Conversation {
    package static let server = ServerDescription(
        name: "test", title: "Test", version: "1", instructions: "none")

    package var session: ServerSession
    /// What the session asked its owner to do.
    package private(set) var effects: [Effect] = []
    private let recording: WireRecording

    package init(
        tools: ToolCatalogue = .sample, limits: SessionLimits = SessionLimits(),
        _ name: String = #function
    ) {
        session = ServerSession(Self.server, tools: tools, limits: limits)
        recording = WireRecording(name)
    }

    // MARK: Saying

    /// The lines that come back at once.
    package mutating func say(_ line: String) -> [String] {
        recording.sent(byClient: Array(line.utf8))
        return hear { $0.receive(Array(line.utf8), &$1) }
    }

    /// Whatever the owner makes the session say.
    package mutating func hear(
        _ act: (inout ServerSession, inout Outbox) -> Void
    ) -> [String] {
        var out = Outbox()
        act(&session, &out)
        effects += out.effects
        precondition(out.bytes.isEmpty || out.bytes.last == 0x0A, "an unfinished line")
        return out.bytes.split(separator: 0x0A).map { line in
            recording.sent(byServer: Array(line))
            return String(decoding: line, as: UTF8.self)
        }
    }

    /// `capabilities` are members without braces; a modern client says them in each request.
    package mutating func open(_ revision: Revision, capabilities: String = "") {
        switch revision.era {
        case .legacy:
            _ = say(.initialize(revision.rawValue, capabilities: capabilities))
            _ = say(.notification("notifications/initialized"))
        case .modern:
            // The first request that is served decides.
            _ = say(.request("open", "tools/list", in: revision))
        }
        precondition(session.revision == revision)
    }

    package var startedCalls: [ToolCall] {
        effects.compactMap {
            guard case .start(let call) = $0 else { return nil }
            return call
        }
    }

    package var answers: [FormAnswer] {
        effects.compactMap {
            guard case .answered(_, let answer) = $0 else { return nil }
            return answer
        }
    }

    package var cancelledCalls: [CallID] {
        effects.compactMap {
            guard case .cancel(let call) = $0 else { return nil }
            return call
        }
    }
}

extension String {
    package static let envelope = envelope(capabilities: "")

    package static func envelope(capabilities: String) -> String {
        """
        "io.modelcontextprotocol/protocolVersion":"2026-07-28",\
        "io.modelcontextprotocol/clientCapabilities":{\(capabilities)},\
        "io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"}
        """
    }

    package static func initialize(
        _ version: String, id: String = "0", capabilities: String = ""
    ) -> String {
        """
        {"jsonrpc":"2.0","id":\(id),"method":"initialize","params":{"protocolVersion":"\(version)",\
        "capabilities":{\(capabilities)},"clientInfo":{"name":"test","version":"1"}}}
        """
    }

    /// A request as that revision's clients send it: `params` and `meta` are members without braces.
    package static func request(
        _ id: String, _ method: String, _ params: String = "", meta: String = "",
        capabilities: String = "", in revision: Revision
    ) -> String {
        let id = id.allSatisfy(\.isNumber) ? id : "\"\(id)\""
        let metas = [
            revision.era == .modern ? envelope(capabilities: capabilities) : "", meta,
        ].filter { !$0.isEmpty }
        let metaMember = metas.isEmpty ? "" : "\"_meta\":{\(metas.joined(separator: ","))}"
        let members = [params, metaMember].filter { !$0.isEmpty }.joined(separator: ",")
        return #"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":{\#(members)}}"#
    }

    package static func notification(_ method: String, _ params: String = "") -> String {
        #"{"jsonrpc":"2.0","method":"\#(method)","params":{\#(params)}}"#
    }

    /// A line parsed; tests trap on a line that is not JSON, for the session must never send one.
    package var json: JSONValue {
        guard let document = try? JSONDocument(Array(utf8)) else {
            preconditionFailure("not JSON: \(self)")
        }
        precondition(document.duplicateKeyOffset == nil, "a key twice: \(self)")
        return document.root
    }
}

extension JSONValue {
    /// The first element of an array.
    package var first: JSONValue? { elements.first { _ in true } }
}

extension ToolCatalogue {
    /// One tool, `work`, with everything that a tool can have.
    package static let sample = ToolCatalogue([.sample("work")])
}

extension Tool {
    package static func sample(_ name: String) -> Tool {
        Tool(
            name: name, title: "Work", description: "Works",
            inputSchema: JSONDocument(literal: #"{"type":"object"}"#),
            outputSchema: JSONDocument(literal: #"{"type":"object"}"#),
            annotations: Annotations(
                readOnly: true, destructive: false, idempotent: true, openWorld: false))
    }
}
