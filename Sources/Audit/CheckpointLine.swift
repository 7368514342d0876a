import JSON

/// Looks into a line for what is signed there.
enum CheckpointLine {
    private static let kind = Array(#","kind":"checkpoint","#.utf8)
    /// `"time":"2026-11-21T08:00:00.000000Z"`
    private static let timeCount = 36
    private static let limits = JSONLimits(depth: 3, bytes: 4096, values: 64)

    /// `nil` for a record of another kind.
    static func signature(of line: ArraySlice<UInt8>) -> [UInt8]? {
        guard let comma = line.firstIndex(of: UInt8(ascii: ",")),
            line[comma...].dropFirst(1 + timeCount).starts(with: kind)
        else { return nil }
        // One without a signature that can be read is as good as one with a wrong one.
        guard let document = try? JSONDocument(Array(line), limits: limits),
            let text = document.root["signature"]?.string
        else { return [] }
        return Hexadecimal.decoded(text.utf8) ?? []
    }
}
