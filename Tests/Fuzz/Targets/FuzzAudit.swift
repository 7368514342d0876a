// The first byte chooses. Lines go in that somebody may have written into an audit file, and orders of what was done
// to a chain of ours. What must hold:
//
//   a line that is taken for intact is the one that the chain would write for its members; any line can be shown,
//   filtered and exported without a control character; a chain to which something was done is not right, unless it
//   ends up as it was; statements and keys come back as they are written, and with another byte they are not signed.

import Audit
import JSON

package func fuzzAudit(_ bytes: [UInt8]) {
    guard let choice = bytes.first else { return }
    let rest = bytes[1...]
    switch choice % 4 {
    case 0: checkLines(rest)
    case 1: checkDeeds(rest)
    case 2: checkStatement(Array(rest))
    default: checkText(Array(rest))
    }
}

private func checkLines(_ bytes: ArraySlice<UInt8>) {
    var verifier = ChainVerifier(key: nil)
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    for (place, line) in lines.enumerated() {
        verifier.add(line, file: "f", line: place + 1)
        if let found = ChainLine(line), found.isIntact { checkRewriting(found, line) }
        checkEntry(line)
    }
    let report = verifier.finish()
    require(report.fault != nil || report.records == UInt64(lines.count), "a line was passed over")
}

private func checkRewriting(_ found: ChainLine, _ line: ArraySlice<UInt8>) {
    guard let comma = line.firstIndex(of: UInt8(ascii: ",")) else { return }
    let tail = 9 + 64 + 1 + 9 + 64 + 2
    let members = line[comma...].dropFirst().dropLast(tail)
    var chain = HashChain(after: ChainPlace(sequence: found.sequence - 1, hash: found.previous))
    var again: [UInt8] = []
    chain.append(Array(members), to: &again)
    // A line without members has no comma of its own for them.
    guard line[comma...].count > tail else { return }
    require(again.dropLast().elementsEqual(line), "an intact line that the chain would write differently")
}

private func checkEntry(_ line: ArraySlice<UInt8>) {
    guard let entry = AuditEntry(line) else { return }
    let text = SyslogForm(host: "h", process: 1).line(of: entry)
    require(text.unicodeScalars.allSatisfy(\.isPlain), "a control character in \(text.debugDescription)")
    require((0...7).contains(entry.priority), "no priority")
    _ = AuditFilter().fits(entry)
}

private func checkDeeds(_ deeds: ArraySlice<UInt8>) {
    var chain = HashChain()
    var bytes: [UInt8] = []
    for number in 0..<12 { chain.append(Array("\"n\":\(number)".utf8), to: &bytes) }
    let lines = bytes.split(separator: 0x0A).map(Array.init)
    var done = lines
    var rest = deeds.prefix(24)
    while let deed = rest.popFirst(), let place = rest.popFirst().map(Int.init), let other = rest.popFirst() {
        guard !done.isEmpty else { break }
        let index = place % done.count
        switch deed % 5 {
        case 0: done.remove(at: index)
        case 1: done.swapAt(index, Int(other) % done.count)
        case 2: done.insert(lines[Int(other) % lines.count], at: index)
        case 3 where !done[index].isEmpty: done[index][Int(other) % done[index].count] ^= deed | 1
        default: done.insert([other], at: index)
        }
    }
    var verifier = ChainVerifier(key: nil)
    for (place, line) in done.enumerated() { verifier.add(line[...], file: "f", line: place + 1) }
    let report = verifier.finish()
    // Without a signature, an end that is missing is not missed.
    let isBeginning = done.count <= lines.count && done.elementsEqual(lines.prefix(done.count))
    require((report.fault == nil) == isBeginning, "after \(deeds): \(report)")
    guard let fault = report.fault else { return }
    let right = zip(done, lines).prefix { $0 == $1 }.count
    require(fault.line <= right + 1 || fault.kind == .reordered, "\(fault), but \(right) are right")
    require(report.records == UInt64(right), "\(report.records) taken for right of \(right)")
}

private func checkStatement(_ bytes: [UInt8]) {
    for kind in [Statement.Kind.checkpoint, .beginning] {
        guard let statement = Statement(kind, reading: bytes) else { continue }
        let again = Statement(kind, reading: statement.text)
        require(again == statement, "a statement is lost in writing")
        guard let key = PublicKey([UInt8](repeating: 1, count: 32)) else { return }
        require(!statement.isSigned(by: key), "signed by a key that nobody has")
    }
}

private func checkText(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let time = AuditTime(text) {
        require(AuditTime(time.description) == time, "\(time) is lost in writing")
    }
    if let place = ChainPlace(text) {
        require(ChainPlace(place.description) == place, "\(place) is lost in writing")
    }
    if let key = PublicKey(pem: text) {
        require(PublicKey(pem: key.pem) == key, "a key is lost in writing")
    }
    guard let document = try? JSONDocument(bytes, limits: JSONLimits(depth: 32)) else { return }
    let shown = RecordedArguments(document.root, secret: ["a", "secret"])
    let limits = JSONLimits(depth: 40)
    guard let again = try? JSONDocument(shown.json, limits: limits) else {
        fatalError("arguments are recorded as what is no JSON: \(shown.json)")
    }
    require(again.isCompact, "with white space")
    require(shown.json.count <= 2 * RecordedArguments.mostBytes, "recorded at length")
}
