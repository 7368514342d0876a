import Linux

/// The content of one file on its way to another, a stretch of data at a time.
final class FileCopy {
    /// What the kernel copies for itself is quicker than what goes through us.
    private static let stretch = 8 << 20
    private static let chunk = 1 << 20

    let target: TemporaryFile
    private(set) var copied: UInt64 = 0
    private let source: OpenFile
    private var place: UInt64 = 0
    private var isByHand = false

    init(of source: OpenFile, to entry: Location.Entry) throws(SystemError) {
        self.source = source
        target = try TemporaryFile(for: entry, mode: 0o600)
        try target.fd.setMode(source.status.mode & 0o777)
    }

    /// True when all of it is there. What the source grows by meanwhile is not copied.
    func step() throws(SystemError) -> Bool {
        let size = source.status.size
        guard place < size, let data = try nextData(), data.lowerBound < size else {
            try target.fd.truncate(to: max(place, size))
            return true
        }
        place = data.lowerBound
        let end = min(data.upperBound, size)
        let count = try copy(Int(clamping: end - place))
        // It has shrunk.
        guard count > 0 else { return true }
        place += UInt64(count)
        copied += UInt64(count)
        return false
    }

    /// A file system that knows no holes has data everywhere.
    private func nextData() throws(SystemError) -> Range<UInt64>? {
        do throws(SystemError) {
            return try source.fd.nextData(from: place)
        } catch {
            guard error.errno == .invalid else { throw error }
            return place..<source.status.size
        }
    }

    private func copy(_ wanted: Int) throws(SystemError) -> Int {
        if !isByHand {
            if let count = try source.fd.copyRange(at: place, count: min(wanted, Self.stretch), to: target.fd)
            {
                return count
            }
            isByHand = true
        }
        let bytes = try source.fd.readBytes(min(wanted, Self.chunk), at: place)
        try target.write(bytes.span, at: place)
        return bytes.count
    }
}
