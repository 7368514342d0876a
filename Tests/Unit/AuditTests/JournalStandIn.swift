import Audit
import Glibc
import Linux
import TestSupport

/// The socket of journald, with somebody behind it who reads the native protocol.
final class JournalStandIn: Sendable {
    let path: String
    private let socket: OwnedFD

    init(at path: String) throws {
        self.path = path
        socket = try UnixSocket.bindDatagram(to: path)
    }

    /// One entry: its fields in order, a field as often as it was sent.
    func next() throws -> Entry? {
        guard let message = try UnixSocket.receive(socket, atMost: 1 << 20) else { return nil }
        if let file = message.takeDescriptor() {
            let seals = fcntl(CInt(file.number), 1034)
            return Entry(try Entry.fields(of: try MemoryFile.contents(of: file)), seals: seals)
        }
        return Entry(try Entry.fields(of: message.bytes), seals: nil)
    }

    func all() throws -> [Entry] {
        var entries: [Entry] = []
        while let entry = try next() { entries.append(entry) }
        return entries
    }

    struct Entry {
        let fields: [(name: String, value: String)]
        let seals: CInt?

        init(_ fields: [(name: String, value: String)], seals: CInt?) {
            (self.fields, self.seals) = (fields, seals)
        }

        subscript(_ name: String) -> String? { fields.first { $0.name == name }?.value }
        func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

        /// By the document of the protocol, and strictly.
        static func fields(of bytes: [UInt8]) throws -> [(name: String, value: String)] {
            var fields: [(name: String, value: String)] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                guard let end = rest.firstIndex(where: { $0 == 0x0A || $0 == UInt8(ascii: "=") }) else {
                    throw TestFault("a field without value")
                }
                let name = String(decoding: rest[..<end], as: UTF8.self)
                guard name.wholeMatch(of: /[A-Z][A-Z0-9_]{0,63}/) != nil else {
                    throw TestFault("\(name) is no name of a field")
                }
                let isPlain = rest[end] == UInt8(ascii: "=")
                rest = rest[(end + 1)...]
                var count = rest.prefix { $0 != 0x0A }.count
                if !isPlain {
                    count = rest.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
                    rest = rest.dropFirst(8)
                }
                let value = rest.prefix(count)
                rest = rest.dropFirst(count)
                guard value.count == count, rest.popFirst() == 0x0A else {
                    throw TestFault("\(name) does not end")
                }
                fields.append((name, String(decoding: value, as: UTF8.self)))
            }
            return fields
        }
    }
}
