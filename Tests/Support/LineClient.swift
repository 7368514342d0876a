import JSON
import Linux

/// A client that says exactly what a test wants, well-formed or not. What passes is recorded.
package final class LineClient: @unchecked Sendable {
    // Unchecked: used by one test, or one thread beside it.
    package let reader: ByteReader
    /// Whoever is at the other end, so that it stays as long as it is talked to.
    package var peer: AnyObject?
    private let writer: ByteWriter
    /// Of a connection that is no session there is no recording.
    private let recording: WireRecording?
    private var unfinishedLine: [UInt8] = []
    /// Beyond every limit of a line: what is more is of no interest to the schemas.
    private static let mostRecorded = 20 << 20
    private static let isRecorded = Process.environment("CLOISTER_WIRE") != nil

    package init(_ socket: consuming OwnedFD, recordedAs name: String?) throws {
        let other = try socket.duplicate()
        (reader, writer) = (ByteReader(socket), ByteWriter(other))
        recording = name.map { WireRecording($0) }
    }

    /// Over two pipes, as the bridge's application is.
    package init(
        reading: consuming OwnedFD, writing: consuming OwnedFD, recordedAs name: String?
    ) {
        (reader, writer) = (ByteReader(reading), ByteWriter(writing))
        recording = name.map { WireRecording($0) }
    }

    // MARK: Out

    package func send(_ line: String) throws { try sendBytes(Array(line.utf8) + [0x0A]) }

    package func sendBytes(_ bytes: [UInt8]) throws {
        record(bytes)
        try writer.write(bytes)
    }

    /// As much as the daemon takes in that time.
    package func sendSome(_ bytes: [UInt8], within patience: Duration) throws -> Int {
        let sent = try writer.writeSome(bytes, within: patience)
        record(Array(bytes.prefix(sent)))
        return sent
    }

    package func finishWriting() { writer.finish() }

    /// Closes everything, without reading what is there.
    package func hangUp() {
        writer.close()
        reader.close()
    }

    private func record(_ bytes: [UInt8]) {
        guard recording != nil, Self.isRecorded else { return }
        unfinishedLine += bytes
        while let newline = unfinishedLine.firstIndex(of: 0x0A) {
            recording?.sent(byClient: Array(unfinishedLine[..<newline]))
            unfinishedLine.removeFirst(newline + 1)
        }
        if unfinishedLine.count > Self.mostRecorded {
            unfinishedLine.removeLast(unfinishedLine.count - Self.mostRecorded)
        }
    }

    // MARK: In

    /// The next message, whatever it is.
    package func receive(within patience: Duration = Deadline.patience) throws -> JSONValue {
        guard let line = try reader.readLine(within: patience) else {
            throw TestFault("the connection ended")
        }
        recording?.sent(byServer: line)
        return try JSONDocument(line, limits: JSONLimits(bytes: max(line.count, 1024))).root
    }

    /// The answer to a request; other messages before it are passed over.
    package func answer(
        to id: Int, within patience: Duration = Deadline.patience
    ) throws -> JSONValue {
        while true {
            let message = try receive(within: patience)
            if message["id"]?.integer == Int64(id), message["method"] == nil { return message }
        }
    }

    /// Nothing but the end may come.
    package func expectEnd(within patience: Duration = Deadline.patience) throws {
        if let line = try reader.readLine(within: patience) {
            recording?.sent(byServer: line)
            throw TestFault("not the end: \(String(decoding: line.prefix(500), as: UTF8.self))")
        }
        guard try reader.readToEnd().isEmpty else { throw TestFault("an unfinished line at the end") }
    }

    // MARK: Requests

    /// Opens a legacy session.
    @discardableResult
    package func initialize() throws -> JSONValue {
        try send(Lines.initialize(id: 0))
        let answer = try answer(to: 0)
        try send(Lines.initialized)
        return answer
    }

    /// A request that every session answers, so its answer says that all before it was read.
    package func ping(_ id: Int, within patience: Duration = Deadline.patience) throws {
        try send(Lines.ping(id: id))
        let answer = try answer(to: id, within: patience)
        guard answer["result"] != nil else { throw TestFault("no pong: \(answer.text)") }
    }

    @discardableResult
    package func call(_ id: Int, _ tool: String, _ arguments: String = "{}") throws -> JSONValue {
        try send(Lines.call(id: id, tool, arguments))
        return try answer(to: id)
    }
}

/// Messages as a client writes them.
package enum Lines {
    package static func initialize(id: Int, _ revision: String = "2025-11-25") -> String {
        """
        {"jsonrpc":"2.0","id":\(id),"method":"initialize","params":{"protocolVersion":"\(revision)",\
        "capabilities":{},"clientInfo":{"name":"test","version":"1"}}}
        """
    }

    package static let initialized = #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#

    package static func ping(id: Int) -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"method":"ping"}"#
    }

    package static func call(id: Int, _ tool: String, _ arguments: String = "{}") -> String {
        """
        {"jsonrpc":"2.0","id":\(id),"method":"tools/call",\
        "params":{"name":"\(tool)","arguments":\(arguments)}}
        """
    }

    package static func cancel(id: Int) -> String {
        """
        {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":\(id)}}
        """
    }

    /// Of the modern era: for changes of the tool list.
    package static func listen(id: Int) -> String {
        """
        {"jsonrpc":"2.0","id":\(id),"method":"subscriptions/listen","params":{\
        "notifications":{"toolsListChanged":true},"_meta":\(envelope)}}
        """
    }

    package static let envelope = """
        {"io.modelcontextprotocol/protocolVersion":"2026-07-28",\
        "io.modelcontextprotocol/clientCapabilities":{}}
        """

    package static func discover(id: String) -> String {
        """
        {"jsonrpc":"2.0","id":\(id),"method":"server/discover","params":{"_meta":\(envelope)}}
        """
    }
}

extension JSONValue {
    package var text: String { String(decoding: bytes, as: UTF8.self) }
    /// The first text block of a tool's result.
    package var toolText: String? {
        self["result"]?["content"]?.elements.first { _ in true }?["text"]?.string
    }
    package var errorCode: Int64? { self["error"]?["code"]?.integer }
    package var errorMessage: String? { self["error"]?["message"]?.string }
}
