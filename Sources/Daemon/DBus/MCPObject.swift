import Bus
import JSON

/// MCP for whoever is on the bus: `/org/cloister/Cloister1`, beside the manager.
struct MCPObject: Sendable {
    let sessions: BusSessions

    static let interface = BusInterface(
        DBusNames.bus + ".MCP",
        methods: [
            .init("OpenSession", takes: ["options": "a{sv}"], gives: ["socket": "h"]),
            .init("Call", takes: ["request": "s"], gives: ["response": "s"]),
            .init("ListTools", gives: ["tools": "s"]),
            .init(
                "CallTool", takes: ["name": "s", "arguments": "s", "options": "a{sv}"],
                gives: ["is_error": "b", "result": "s"]),
        ],
        signals: [
            .init("Progress", ["token": "s", "progress": "d", "total": "d", "message": "s"]),
            .init("ToolsChanged"),
            .init("Message", ["message": "s"]),
        ])

    func perform(_ method: String, for call: BusCall) async throws(BusFault) -> BusAnswer {
        switch method {
        case "OpenSession": return try await openSession(call)
        case "Call": return try await passOn(call)
        case "ListTools": return try await listTools(call)
        default: return try await callTool(call)
        }
    }

    private func openSession(_ call: BusCall) async throws(BusFault) -> BusAnswer {
        // What it is, the client says in its handshake.
        _ = try options(of: call, known: [])
        let socket = try await sessions.open(for: call)
        return { (reply) throws(BusError) in try socket.append(to: reply) }
    }

    private func passOn(_ call: BusCall) async throws(BusFault) -> BusAnswer {
        let message = try json(try argument { () throws(BusError) in try call.message.readString() })
        let talk = try await sessions.talk(of: call, .lines)
        guard message["method"] != nil, message["id"] != nil else {
            try talk.say(message)
            return { (reply) throws(BusError) in try reply.append("") }
        }
        return try text(try await talk.ask(message).bytes[...])
    }

    private func listTools(_ call: BusCall) async throws(BusFault) -> BusAnswer {
        let talk = try await sessions.talk(of: call, .tools(claim: nil))
        var tools: [JSONValue] = []
        var cursor: String?
        repeat {
            let page = BusTalk.json(
                try await talk.result(of: "tools/list") { params in
                    params.optionalMember("cursor", cursor)
                }.result)
            tools += page?["tools"].map { Array($0.elements) } ?? []
            cursor = page?["nextCursor"]?.string
        } while cursor != nil
        let bytes = JSONWriter.bytes { json in
            json.object { $0.array("tools") { list in for tool in tools { list.value(tool) } } }
        }
        return { (reply) throws(BusError) in try reply.append(String(decoding: bytes, as: UTF8.self)) }
    }

    private static let optionsOfTools: Set = ["client", "progress_token"]

    private func callTool(_ call: BusCall) async throws(BusFault) -> BusAnswer {
        let (name, text) = try argument { () throws(BusError) in
            (try call.message.readString(), try call.message.readString())
        }
        let arguments = try json(text, limits: BusTalk.argumentLimits)
        let options = try options(of: call, known: Self.optionsOfTools)
        let talk = try await sessions.talk(of: call, .tools(claim: options["client"]))
        let (answer, result) = try await talk.result(of: "tools/call") { params in
            params.member("name", name)
            params.member("arguments", arguments)
            guard let token = options["progress_token"] else { return }
            params.object("_meta") { $0.member("progressToken", token) }
        }
        let write = try self.text(result)
        return { (reply) throws(BusError) in
            try reply.append(answer.isFailedCall)
            try write(reply)
        }
    }

    // MARK: Pieces

    private func options(
        of call: BusCall, known: Set<String>
    ) throws(BusFault) -> [String: String] {
        var options: [String: String] = [:]
        for (key, value) in try argument({ () throws(BusError) in try call.message.readOptions() }) {
            guard known.contains(key), case .string(let text) = value else {
                throw BusFault(
                    .invalidArguments,
                    "there is no option \(key) of type \(value.signature) (\(known.isEmpty ? "none is known" : "known are \(known.sorted().joined(separator: ", ")), of type s"))"
                )
            }
            options[key] = text
        }
        return options
    }

    private func json(_ text: String, limits: JSONLimits = .standard) throws(BusFault) -> JSONValue {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONDocument(Array(text.utf8), limits: limits).root
        } catch {
            throw BusFault(.invalidArguments, "this is no JSON: \(error)")
        }
        guard value.isObject else { throw BusFault(.invalidArguments, "this is no JSON object") }
        // The session would answer that under no id, and nobody would know that it is the answer.
        guard value.document.duplicateKeyOffset == nil else {
            throw BusFault(.invalidArguments, "this names a member twice")
        }
        return value
    }

    private func text(_ json: ArraySlice<UInt8>) throws(BusFault) -> BusAnswer {
        let text = try BusText.fitting(String(decoding: json, as: UTF8.self), otherwise: "OpenSession")
        return { (reply) throws(BusError) in try reply.append(text) }
    }
}
