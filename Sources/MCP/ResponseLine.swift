import JSON

/// A response as `ServerSession` writes it, taken apart by what stands where: whoever is in the same process need not
/// parse again what was just written.
package struct ResponseLine: Sendable {
    package let bytes: [UInt8]
    package let id: ArraySlice<UInt8>
    /// `nil` where it is an error.
    package let result: ArraySlice<UInt8>?

    /// `nil` where it is something else: a request, a notification, a batch.
    package init?(_ line: [UInt8]) {
        guard let (id, rest) = Self.id(of: line), line.last == UInt8(ascii: "}") else { return nil }
        let value = rest.dropFirst(#","result":"#.utf8.count)
        if rest.starts(with: #","result":{"#.utf8) {
            result = value.dropLast()
        } else if rest.starts(with: #","error":{"#.utf8) {
            result = nil
        } else {
            return nil
        }
        (bytes, self.id) = (line, id)
    }

    /// `nil` where it answers nothing that could be read.
    package var requestID: RequestID? { (try? JSONDocument(Array(id)).root).flatMap { RequestID($0) } }

    /// Of a tool that failed, to a client of an earlier revision.
    package var isFailedCall: Bool {
        result?.suffix(Self.failed.count).elementsEqual(Self.failed) ?? false
    }

    private static let failed = Array(#","isError":true}"#.utf8)

    /// And what stands behind it.
    private static func id(of line: [UInt8]) -> (ArraySlice<UInt8>, ArraySlice<UInt8>)? {
        let prefix = #"{"jsonrpc":"2.0","id":"#.utf8
        guard line.starts(with: prefix), line.count > prefix.count else { return nil }
        var end = prefix.count + 1
        let isText = line[prefix.count] == UInt8(ascii: "\"")
        while end < line.count, isText || line[end] != UInt8(ascii: ",") {
            let byte = line[end]
            end += byte == UInt8(ascii: "\\") ? 2 : 1
            if isText, byte == UInt8(ascii: "\"") { break }
        }
        return end < line.count ? (line[prefix.count..<end], line[end...]) : nil
    }
}
