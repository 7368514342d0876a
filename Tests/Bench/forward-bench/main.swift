// What forwarding costs: a result with a string of 1 MB is parsed and emitted again under another id, as the
// daemon does for what it passes on. Prints the median rate in MB/s for three kinds of text.

import JSON
import Linux

func line(repeating piece: String) -> [UInt8] {
    let text = String(repeating: piece, count: (1 << 20) / piece.utf8.count)
    return Array(
        #"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"\#(text)"}]}}"#.utf8)
}

func forward(_ line: [UInt8]) -> [UInt8] {
    guard let document = try? JSONDocument(line), let result = document.root["result"] else {
        fatalError("the benchmark's own line is malformed")
    }
    return JSONWriter.bytes {
        $0.object {
            $0.member("jsonrpc", "2.0")
            $0.member("id", "another")
            $0.member("result", result)
        }
    }
}

func megabytesPerSecond(_ line: [UInt8]) -> Int {
    let rates = (0..<50).map { _ -> Double in
        let start = SystemClock.monotonic
        let forwarded = forward(line)
        let seconds = (SystemClock.monotonic - start) / .seconds(1)
        precondition(forwarded.count > line.count)
        return Double(line.count) / 1e6 / seconds
    }
    return Int(rates.sorted()[rates.count / 2])
}

print(
    String(
        decoding: JSONWriter.bytes {
            $0.object {
                $0.member("ascii_mb_s", megabytesPerSecond(line(repeating: "plain words, and more ")))
                $0.member(
                    "escaped_mb_s",
                    megabytesPerSecond(line(repeating: #"a line of source code\n\t\"quoted\" "#)))
                $0.member("unicode_mb_s", megabytesPerSecond(line(repeating: "déjà vu, тоже 中文 ")))
            }
        }, as: UTF8.self))
