// A client's bytes and its server's doings go in: the lines, then after the first NUL the schedule, which
// says how the bytes arrive and what becomes of the calls. So a corpus file reads like a session, and the
// fuzzer steers both.
//
//   {"jsonrpc":"2.0","id":1,"method":"tools/call",…}\n … \0 <schedule>
//
// What must hold, whatever is said in whatever order, is asserted by Conversation and, of the cutting into
// lines, here: however the bytes arrive, the lines are the same, and no more is held than one line.

import JSON
import MCP

package func fuzzSession(_ bytes: [UInt8]) {
    let end = bytes.firstIndex(of: 0)
    let input = bytes[..<(end ?? bytes.endIndex)]
    var schedule = Schedule(end.map { Array(bytes[($0 + 1)...]) } ?? [])
    let limit = [4096, 4096, 256, 64][Int(schedule.next() & 3)]

    var framer = LineFramer(limit: limit)
    var conversation = Conversation(lineLimit: limit)
    var lines: [LineFramer.Line] = []
    var rest = input
    while !rest.isEmpty {
        let chunk = Array(rest.prefix(schedule.chunkSize()))
        rest = rest.dropFirst(chunk.count)
        framer.append(chunk.span)
        while let line = framer.next() {
            lines.append(line)
            conversation.receive(line)
            conversation.act(schedule.next())
        }
        // A byte order mark and a carriage return are held and do not count.
        require(framer.held <= limit + 4, "\(framer.held) bytes are held for a line of at most \(limit)")
    }
    checkLines(lines, of: input, limit: limit)
    conversation.end(&schedule)
}

/// Bytes that decide, over and over; without any, everything arrives at once and nothing is done early.
struct Schedule {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func next() -> UInt8 {
        guard !bytes.isEmpty else { return 0 }
        defer { position = (position + 1) % bytes.count }
        return bytes[position]
    }

    mutating func chunkSize() -> Int {
        switch next() {
        case 0: .max
        case let few where few < 128: Int(few)
        case let many: Int(many - 127) * 64
        }
    }
}

/// Compares the framer's lines with those that the whole input obviously has.
private func checkLines(_ lines: [LineFramer.Line], of input: ArraySlice<UInt8>, limit: Int) {
    var lines = lines[...]
    var pieces = input.split(separator: 0x0A, omittingEmptySubsequences: false)
    let unfinished = pieces.removeLast()
    for piece in pieces {
        var text = piece
        if text.last == 0x0D { text.removeLast() }
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text.removeFirst(3) }
        if text.isEmpty { continue }
        let line = lines.popFirst()
        let expected: LineFramer.Line = text.count > limit ? .tooLong : .line(Array(text))
        require(line == expected, "\(String(describing: line)) instead of \(expected)")
    }
    let mark = unfinished.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    if unfinished.count > limit + 1 + mark {
        require(lines.popFirst() == .tooLong, "an endless line goes unnoticed")
    }
    require(lines.isEmpty, "lines that were never sent: \(lines)")
}
