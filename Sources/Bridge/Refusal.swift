import JSON
import Linux
import MCP

/// What an application is told when there is no daemon to talk to. Applications show the error of their
/// first request, and few people read standard error: so the advice goes to both.
package struct Refusal: Sendable {
    package let explanation: String

    package init(_ error: SystemError, socket: String) {
        let advice =
            switch error.errno {
            case .notFound:
                """
                cloisterd is not running. Start it with "systemctl enable --now cloisterd.socket", or run \
                "cloisterd --standalone DIR" and give cloister-bridge "--socket DIR/mcp.sock".
                """
            case .connectionRefused:
                """
                cloisterd has ended without removing its socket. Start it again with \
                "systemctl restart cloisterd.socket", or as it was started before.
                """
            case .permissionDenied:
                "You may not use this socket; \"ls -l \(socket)\" shows who may."
            case .nameTooLong:
                "A socket's path has at most \(UnixSocket.longestPath) bytes; use a shorter one."
            default:
                "\"systemctl status cloisterd.socket\" may say more."
            }
        explanation = "cannot reach cloisterd (\(error)). \(advice)"
    }

    /// The answer to a line of the application, and whether it was the last one worth waiting for: a client
    /// of both eras asks `server/discover` first and falls back to `initialize`.
    package func answer(to line: LineFramer.Line) -> (reply: [UInt8]?, isLast: Bool) {
        guard case .line(let bytes) = line, let document = try? JSONDocument(bytes),
            case .request(let request) = Message(document.root)
        else { return (nil, false) }
        let reply = ProtocolError.internalError(explanation).line(answering: request.id)
        return (reply, request.method == "initialize")
    }

    /// Answers every request until the handshake was refused, or the application or the parent ended. Like
    /// the pump it leaves the mode of what it shares with the application alone, and bears either one.
    package func serve(
        _ input: borrowing OwnedFD, _ output: borrowing OwnedFD, until parent: borrowing OwnedFD?
    ) throws(SystemError) {
        var framer = LineFramer(limit: 1 << 20)
        var polled = PollSet()
        while true {
            while let line = framer.next() {
                let (reply, isLast) = answer(to: line)
                if let reply { try write(reply, to: output) }
                if isLast { return }
            }
            polled.removeAll()
            polled.add(input, .read)
            if parent != nil { polled.add(parent!, .read) } else { polled.addNothing() }
            try polled.wait()
            if polled[1].contains(.read) { return }
            guard let bytes = try input.readSome(atMost: 64 << 10) else { continue }
            if bytes.isEmpty { return }
            framer.append(bytes.span)
        }
    }

    private func write(_ bytes: [UInt8], to output: borrowing OwnedFD) throws(SystemError) {
        var polled = PollSet()
        var sent = 0
        while true {
            sent += try output.write(bytes.span.extracting(sent...)) ?? 0
            if sent == bytes.count { return }
            polled.removeAll()
            polled.add(output, .write)
            try polled.wait()
        }
    }
}
