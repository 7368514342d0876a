// A client of the Model Context Protocol in one file: starts a server that speaks over standard input and
// output, holds one session with it, and prints what was said.
//
//     transcript cloister-bridge --socket /run/cloister/mcp.sock
//
// It does what any client does: it asks what the server speaks, shakes hands, lists the tools, calls one,
// makes a mistake on purpose, and hangs up.

import Glibc
import JSON
import Linux
import MCP

let command = Array(CommandLine.arguments.dropFirst())
guard !command.isEmpty else {
    StandardError.write("Usage: transcript SERVER [ARGUMENT…]\n")
    exit(2)
}
do {
    let conversation = try Transcript(with: command)
    exit(try conversation.run())
} catch {
    StandardError.write("transcript: \(error)\n")
    exit(1)
}

struct Transcript: ~Copyable {
    private var server: Spawn.Piped
    private var framer = LineFramer(limit: 64 << 20)
    private var lastID = 0

    init(with command: [String]) throws {
        Signals.ignoreBrokenPipes()
        print("$ \(command.joined(separator: " "))")
        server = try Spawn.piped(command)
    }

    consuming func run() throws -> Int32 {
        let newest = Revision.newestFirst[0]
        try ask("What do you speak?", "server/discover", #""_meta":\#(envelope(newest))"#)
        let hello = #""capabilities":{},"clientInfo":{"name":"transcript","version":"1"}"#
        let offer = Revision.newestLegacy.rawValue
        try ask("Let us speak \(offer).", "initialize", #""protocolVersion":"\#(offer)",\#(hello)"#)
        try say(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
        let tools = try ask("Which tools are there?", "tools/list", "", showing: ["tools"])
        for tool in tools["tools"]?.elements.map({ $0 }) ?? [] {
            print("    \(tool["name"]?.string ?? "?"): \(tool["description"]?.string ?? "")")
        }
        try ask("Call one.", "tools/call", #""name":"system_info","arguments":{}"#)
        let script = #"id; ls -A /; cat /etc/shadow"#
        try ask(
            "Run something in the cell.", "tools/call",
            #""name":"run_command","arguments":{"command":"\#(script)"}"#)
        try ask("Call it wrongly.", "tools/call", #""name":"system_info","arguments":{"verbose":true}"#)
        try ask("Call what is not there.", "tools/call", #""name":"format_disk","arguments":{}"#)
        try ask("Still there?", "ping", "")
        server.input = nil
        while try nextLine() != nil {}
        print("\n(end of input; the server hung up as well)")
        return 0
    }

    private func envelope(_ revision: Revision) -> String {
        """
        {"io.modelcontextprotocol/protocolVersion":"\(revision.rawValue)",\
        "io.modelcontextprotocol/clientCapabilities":{}}
        """
    }

    /// Sends a request, waits for its answer, shows both; members named in `showing` are left to the caller.
    @discardableResult
    private mutating func ask(
        _ intent: String, _ method: String, _ params: String, showing hidden: Set<String> = []
    ) throws -> JSONValue {
        lastID += 1
        print("\n# \(intent)")
        let line = #"{"jsonrpc":"2.0","id":\#(lastID),"method":"\#(method)","params":{\#(params)}}"#
        print("→ \(line)")
        let start = SystemClock.monotonic
        try say(line)
        guard let reply = try nextLine() else { throw Failure(text: "the server hung up") }
        let microseconds = Int((SystemClock.monotonic - start) / .microseconds(1))
        let document = try JSONDocument(reply)
        guard document.root["id"]?.integer == Int64(lastID) else {
            throw Failure(text: "not an answer: \(String(decoding: reply, as: UTF8.self))")
        }
        print("← after \(microseconds) µs")
        guard let result = document.root["result"] else {
            print(pretty(document.root["error"] ?? document.root, indent: 4))
            return document.root
        }
        if hidden.isEmpty { print(pretty(result, indent: 4)) }
        return result
    }

    private mutating func say(_ line: String) throws {
        var rest = Array((line + "\n").utf8)[...]
        while !rest.isEmpty {
            rest = rest.dropFirst(try server.input?.write(rest.span) ?? rest.count)
        }
    }

    private mutating func nextLine() throws -> [UInt8]? {
        while true {
            if case .line(let line) = framer.next() { return line }
            guard let bytes = try server.output.readSome(atMost: 64 << 10), !bytes.isEmpty else {
                return nil
            }
            framer.append(bytes.span)
        }
    }
}

struct Failure: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
}

/// The value over several lines, as a person reads it.
func pretty(_ value: JSONValue, indent: Int) -> String {
    let margin = String(repeating: " ", count: indent)
    func block(_ parts: [String], _ first: String, _ last: String) -> String {
        let short = first + parts.joined(separator: ", ") + last
        if short.count + indent <= 90, !short.contains("\n") { return short }
        let inner = parts.map { "\(margin)  \($0)" }.joined(separator: ",\n")
        return "\(first)\n\(inner)\n\(margin)\(last)"
    }
    let text: String
    switch value.kind {
    case .object:
        let members = value.members.map { "\($0.key): \(nested($0.value))" }
        text = block(members, "{", "}")
    case .array:
        text = block(value.elements.map { nested($0) }, "[", "]")
    default:
        text = String(decoding: value.bytes, as: UTF8.self)
    }
    func nested(_ value: JSONValue) -> String {
        String(pretty(value, indent: indent + 2).drop { $0 == " " })
    }
    return margin + text
}
