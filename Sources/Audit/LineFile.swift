import Linux

/// Reads a growing file line by line, and goes on where it stopped when there is more.
package struct LineFile: ~Copyable {
    package let name: String
    private let file: OwnedFD
    private var offset: UInt64 = 0
    private var buffer: [UInt8] = []
    private var position = 0
    /// Up to which the buffer is known to have no end of a line.
    private var searched = 0
    package private(set) var line = 0

    private static let piece = 256 << 10
    /// A line that is longer is none of ours, and is handed out in pieces.
    static let longestLine = 64 << 20

    package init(_ path: String, name: String) throws(SystemError) {
        file = try File.open(path, .noFollow)
        self.name = name
    }

    /// Without its end; `nil` when no whole line is there now.
    package mutating func next() throws(SystemError) -> ArraySlice<UInt8>? {
        while true {
            if let end = buffer[searched...].firstIndex(of: 0x0A) {
                let found = buffer[position..<end]
                position = end + 1
                searched = position
                line += 1
                return found
            }
            searched = buffer.count
            if buffer.count - position > Self.longestLine {
                defer { (position, line) = (buffer.count, line + 1) }
                return buffer[position...]
            }
            guard try fill() else { return nil }
        }
    }

    private mutating func fill() throws(SystemError) -> Bool {
        buffer.removeFirst(position)
        searched -= position
        position = 0
        let bytes = try file.readBytes(Self.piece, at: offset)
        offset += UInt64(bytes.count)
        buffer += bytes
        return !bytes.isEmpty
    }

    /// Behind the last whole line.
    package var unfinishedBytes: Int { buffer.count - position }
}
