import JSON
import Linux

/// A standalone daemon, asked through its control socket.
struct ControlClient {
    private let places: Places

    /// `nil` for the system's, which is on the bus.
    init?(_ places: Places) {
        guard places.root != nil else { return nil }
        self.places = places
    }

    /// The answer, an object without faults.
    func ask(_ act: String, _ members: (inout JSONWriter) -> Void = { _ in }) throws(CtlFault) -> JSONValue {
        var request = JSONWriter()
        request.object {
            $0.member("do", act)
            members(&$0)
        }
        let line = try exchange(request.finishLine())
        let answer: JSONValue
        do throws(JSONError) {
            answer = try JSONDocument(line).root
        } catch {
            throw .failed("cloisterd answers nonsense: \(error)")
        }
        guard answer["ok"]?.bool == true else {
            throw .failed(answer["error"]?.string ?? "cloisterd refused without a reason")
        }
        return answer
    }

    private func exchange(_ request: [UInt8]) throws(CtlFault) -> [UInt8] {
        do throws(SystemError) {
            let socket = try UnixSocket.connect(to: places.control, waiting: true)
            try socket.setBlocking(true)
            var sent = 0
            while sent < request.count {
                sent += try UnixSocket.send(socket, request.span.extracting(sent...)) ?? 0
            }
            var answer: [UInt8] = []
            while answer.last != 0x0A {
                guard let more = try socket.readSome(atMost: 1 << 16), !more.isEmpty else {
                    throw SystemError("read", .brokenPipe, places.control)
                }
                answer += more
            }
            return answer
        } catch {
            throw .failed("no cloisterd answers at \(places.control): \(error)")
        }
    }
}

extension JSONValue {
    func text(_ key: StaticString) -> String {
        guard let value = self[key] else { return "" }
        return value.string ?? String(decoding: value.bytes, as: UTF8.self)
    }

    func texts(_ key: StaticString) -> [String] { self[key].map { $0.elements.compactMap(\.string) } ?? [] }

    /// By name, else by number.
    var userText: String { self["user"]?.string ?? "uid \(text("uid"))" }
    var programText: String { self["application"]?.string ?? self["executable"]?.string ?? "?" }
}

extension Invocation {
    /// As JSON if that was asked for, as a table otherwise.
    func show(_ answer: JSONValue, _ list: StaticString, _ head: [String], _ row: (JSONValue) -> [String])
        throws(CtlFault)
    {
        if isJSON { return try output.writeJSON(answer.bytes) }
        var table = Table(head)
        for element in answer[list].map({ Array($0.elements) }) ?? [] { table.add(row(element)) }
        guard !table.isEmpty else { return }
        try output.write(table.text(columns: output.columns))
    }

    func number(_ what: String) throws(CtlFault) -> UInt64 {
        guard operands.count == 1, let number = UInt64(operands[0]) else {
            throw .usage("which \(what) is meant is said by its number")
        }
        return number
    }
}
