// Reading a part of a file.
//
// Lines are numbered from the beginning, so that reading from line n means to look through what is before
// it: 256 KB at a time, and FileLimits.mostScanned in all. After that the client is told to ask for bytes.
// A file that grows or shrinks meanwhile gives what was there.

import Cells
import Linux

final class ReadJob: FileJob {
    private static let chunk = 256 << 10

    private let location: Location
    private let file: OpenFile
    private let limit: Int

    private var bytes: [UInt8] = []
    private var offset: UInt64
    private var start: UInt64
    /// The line that begins or goes on at `offset`; lines that are still wanted.
    private var line: UInt64 = 1
    private var wanted: FileRequest.Read.Part

    init(_ request: FileRequest.Read, at location: Location) throws(CellFailure) {
        self.location = location
        file = try location.openRegular()
        limit = min(Int(request.limit), FileLimits.mostContent)
        wanted = request.part
        if case .bytes(let offset, _) = request.part { self.offset = offset } else { offset = 0 }
        start = offset
    }

    func step() throws(CellFailure) -> FileResult? {
        do throws(SystemError) {
            switch wanted {
            case .bytes(_, let count): return try stepBytes(Int(clamping: count))
            case .lines(let first, _) where line < first:
                guard offset < FileLimits.mostScanned else { break }
                return try skip(to: first)
            case .lines(let first, let count): return try stepLines(first, count)
            }
        } catch {
            throw location.failure(error)
        }
        throw CellFailure(
            .tooLarge, path: location.path,
            "\(location.path): after \(FileLimits.mostScanned >> 20) MB only line \(line) was reached, and no more"
                + " is looked through for the number of a line. Read by byte offset, from \(offset) on.")
    }

    private func stepBytes(_ count: Int) throws(SystemError) -> FileResult? {
        let room = min(limit, count) - bytes.count
        let read = try file.fd.readBytes(min(room, 4 * Self.chunk), at: offset)
        offset += UInt64(read.count)
        if bytes.isEmpty { bytes = read } else { bytes += read }
        guard read.isEmpty || bytes.count == min(limit, count) else { return nil }
        let isComplete = try file.fd.readBytes(1, at: offset).isEmpty
        return .read(
            FileResult.Content(
                bytes: bytes, totalSize: file.status.size, offset: start, isComplete: isComplete,
                nextOffset: offset))
    }

    private func skip(to first: UInt64) throws(SystemError) -> FileResult? {
        let read = try file.fd.readBytes(Self.chunk, at: offset)
        guard !read.isEmpty else { return content(first: line, lines: 0, isComplete: true) }
        var place = 0
        while line < first, let end = ByteSearch.newline(in: read, from: place) {
            place = end + 1
            line += 1
        }
        offset += UInt64(line == first ? place : read.count)
        start = offset
        return nil
    }

    private func stepLines(_ first: UInt64, _ count: UInt64) throws(SystemError) -> FileResult? {
        let missing = count - (line - first)
        guard missing > 0 else { return try end(first) }
        let read = try file.fd.readBytes(Self.chunk, at: offset)
        guard !read.isEmpty else { return try end(first) }
        var end = 0
        var lines: UInt64 = 0
        while lines < missing, let newline = ByteSearch.newline(in: read, from: end) {
            end = newline + 1
            lines += 1
        }
        if lines < missing { end = read.count }
        let room = limit - bytes.count
        if end > room { return try cut(first, read[..<room]) }
        bytes += read[..<end]
        offset += UInt64(end)
        line += lines
        return nil
    }

    /// The limit: at the end of a line, unless not even one fits.
    private func cut(_ first: UInt64, _ last: ArraySlice<UInt8>) throws(SystemError) -> FileResult? {
        bytes += last
        if let newline = bytes.lastIndex(of: ByteSearch.newline) {
            bytes.removeLast(bytes.count - newline - 1)
        }
        offset = start + UInt64(bytes.count)
        line = first + bytes.reduce(0) { $0 + ($1 == ByteSearch.newline ? 1 : 0) }
        return content(first: first, lines: max(line - first, 1), isComplete: false)
    }

    private func end(_ first: UInt64) throws(SystemError) -> FileResult? {
        let isComplete = try file.fd.readBytes(1, at: offset).isEmpty
        let isOpen = bytes.last.map { $0 != ByteSearch.newline } ?? false
        return content(first: first, lines: line - first + (isOpen ? 1 : 0), isComplete: isComplete)
    }

    private func content(first: UInt64, lines: UInt64, isComplete: Bool) -> FileResult {
        .read(
            FileResult.Content(
                bytes: bytes, totalSize: file.status.size, offset: start, firstLine: first,
                lineCount: lines, isComplete: isComplete, nextOffset: offset, nextLine: line))
    }
}
