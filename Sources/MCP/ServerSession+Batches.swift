import JSON

// JSON-RPC batches, which one revision has (2025-03-26): an array of messages is answered by one array of
// responses, when the last of them is there, and by nothing when nothing in it wanted an answer.

struct Batch {
    /// The calls of the batch that are in flight, and one for the reading of the batch itself.
    var holds = 1
    var responses: [[UInt8]] = []
    /// Of the responses: they wait in memory for the slowest call.
    var bytes = 0
}

extension ServerSession {
    mutating func receiveBatch(_ array: JSONValue, _ out: inout Outbox) {
        guard phase == .legacy(.v2025_03_26) else {
            let error = ProtocolError.invalidRequest("batches are not part of this session's protocol")
            return answer(nil, error, batch: nil, &out)
        }
        let count = array.count
        guard (1...limits.inFlight).contains(count) else {
            let error = ProtocolError.invalidRequest(
                count == 0
                    ? "a batch has at least one message"
                    : "a batch has at most \(limits.inFlight) messages")
            return answer(nil, error, batch: nil, &out)
        }
        lastBatch += 1
        let batch = lastBatch
        batches[batch] = Batch()
        for element in array.elements {
            receive(Message(element), isFirst: false, batch: batch, &out)
        }
        release(batch, &out)
    }

    /// One hold less; the last one sends the responses.
    mutating func release(_ number: Int, _ out: inout Outbox) {
        batches[number]?.holds -= 1
        guard let batch = batches[number]?.holds == 0 ? batches.removeValue(forKey: number) : nil
        else { return }
        changes?.append(.answeredIn(batch: number))
        bytesInBatches -= batch.bytes
        if batch.responses.isEmpty { return }
        send(&out) { line in
            line.array { for each in batch.responses { $0.written(each) } }
        }
    }
}
