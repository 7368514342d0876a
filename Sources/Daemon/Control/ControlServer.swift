// Administration of a daemon that has no bus: DIR/control.sock, one JSON object a line in each direction.
//
//   {"do":"status"}  ─▶   ◀─ {"ok":true, …}   or   {"ok":false,"error":"…"}
//
// Only root and the daemon's own user are listened to. What changes something is on record, with who did it.

import EventLoop
import JSON
import Linux
import MCP

// Unchecked: touched on the loop's thread only.
package final class ControlServer: @unchecked Sendable {
    /// Writes the members of an answer, or throws why there is none.
    package typealias Handler = (JSONValue, _ uid: UInt32) throws(Refusal) -> [UInt8]

    package struct Refusal: Error, CustomStringConvertible {
        package let description: String

        package init(_ description: String) { self.description = description }
    }

    private final class Peer {
        let uid: UInt32
        var connection: StreamConnection?
        var framer = LineFramer(limit: 1 << 20)

        init(uid: UInt32) { self.uid = uid }
    }

    private let loop: EventLoop
    private let log: Log
    private let handle: Handler
    private var peers: [ObjectIdentifier: Peer] = [:]
    private static let mostPeers = 64

    package init(on loop: EventLoop, log: Log, handle: @escaping Handler) {
        (self.loop, self.log, self.handle) = (loop, log, handle)
    }

    package func accept(_ stream: SocketStream) {
        do throws(SystemError) {
            let uid = try stream.peerCredentials().uid
            guard uid == 0 || uid == Process.userID else {
                log.warning("administration was refused to uid \(uid)")
                return stream.close()
            }
            guard peers.count < Self.mostPeers else { return stream.close() }
            let peer = Peer(uid: uid)
            let key = ObjectIdentifier(peer)
            peer.connection = try StreamConnection(
                stream, on: loop, limits: StreamConnection.Limits(),
                StreamConnection.Handlers(
                    onBytes: { [unowned self] in receive($0, from: key) },
                    onFinish: { [unowned self] in peers[key]?.connection?.closeWhenSent() },
                    onDrain: {}, onEnd: { [unowned self] _ in peers[key] = nil }))
            peers[key] = peer
        } catch {
            log.warning("a connection for administration was lost: \(error)")
        }
    }

    private func receive(_ bytes: Span<UInt8>, from key: ObjectIdentifier) {
        guard let peer = peers[key] else { return }
        peer.framer.append(bytes)
        while let line = peer.framer.next() { peer.connection?.send(answer(line, peer.uid) + [0x0A]) }
    }

    private func answer(_ line: LineFramer.Line, _ uid: UInt32) -> [UInt8] {
        do throws(Refusal) {
            guard case .line(let bytes) = line, let document = try? JSONDocument(bytes) else {
                throw Refusal("this is no JSON")
            }
            let members = try handle(document.root, uid)
            return Array(#"{"ok":true"#.utf8) + (members.isEmpty ? [] : [UInt8(ascii: ",")]) + members + [
                UInt8(ascii: "}")
            ]
        } catch {
            return JSONWriter.bytes {
                $0.object {
                    $0.member("ok", false)
                    $0.member("error", error.description)
                }
            }
        }
    }
}
