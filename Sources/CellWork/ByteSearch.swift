// Looking for bytes in bytes.
enum ByteSearch {
    static let newline = UInt8(ascii: "\n")

    /// Where `needle` begins, without overlaps, at most so often. Horspool: it skips by the last byte.
    static func places(of needle: [UInt8], in bytes: [UInt8], most: Int) -> [Int] {
        guard !needle.isEmpty else { return [] }
        var skips = [Int](repeating: needle.count, count: 256)
        for (place, byte) in needle.dropLast().enumerated() { skips[Int(byte)] = needle.count - 1 - place }
        let end = needle.count - 1
        var places: [Int] = []
        var place = 0
        while place + end < bytes.count, places.count < most {
            var length = end
            while length >= 0, bytes[place + length] == needle[length] { length -= 1 }
            if length < 0 {
                places.append(place)
                place += needle.count
            } else {
                place += skips[Int(bytes[place + end])]
            }
        }
        return places
    }

    /// Where the line that `start` is in ends: at its newline.
    static func newline(in bytes: [UInt8], from start: Int) -> Int? {
        unsafe bytes.withUnsafeBytes { unsafe Bytes.firstNewline(.init(rebasing: $0[start...])) }
            .map { start + $0 }
    }
}
