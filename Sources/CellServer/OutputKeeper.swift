import Cells
import Linux

/// What a program writes to one of its streams: passed on up to a limit, and kept whole in a file of the
/// workspace when it is more and there is a workspace.
struct OutputKeeper {
    private(set) var total: UInt64 = 0
    /// Where everything is, once it was too much to be sent; empty before.
    private(set) var file = ""

    private let most: Int
    private let name: String?
    private var head: [UInt8] = []
    private var spill: SpillFile?
    private var hasBegunFile = false

    /// A file that takes more than this of output helps nobody.
    static let mostInFile = 64 << 20

    /// The name of the file; `nil` for a program outside of a cell.
    init(most: Int, name: String?) { (self.most, self.name) = (most, name) }

    /// What of these bytes is to be sent.
    mutating func take(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        let room = most - min(most, Int(clamping: total))
        let sent = bytes.prefix(room)
        total += UInt64(bytes.count)
        guard let name else { return sent }
        if total <= UInt64(most) {
            head += bytes
        } else {
            if !hasBegunFile { beginFile(name) }
            spill?.append(bytes)
        }
        return sent
    }

    /// Once: a file that could be had later would not have the beginning.
    private mutating func beginFile(_ name: String) {
        hasBegunFile = true
        spill = SpillFile(named: name, beginningWith: head)
        file = spill?.path ?? ""
        head = []
    }
}

/// A file below the workspace's hidden directory. It stops growing where the disk or the limit ends.
private final class SpillFile {
    let path: String
    private let fd: OwnedFD
    private var written = 0

    static let directory = "/workspace/.cloister/output"

    init?(named name: String, beginningWith head: [UInt8]) {
        path = "\(Self.directory)/\(name)"
        try? File.makeDirectory("/workspace/.cloister", mode: 0o700)
        try? File.makeDirectory(Self.directory, mode: 0o700)
        // A name that something else has taken, or a link that was laid there, is not followed.
        guard let opened = try? File.open(path, [.readWrite, .create, .noFollow, .exclusive], mode: 0o600)
        else { return nil }
        fd = opened
        append(head)
    }

    func append(_ bytes: [UInt8]) {
        var rest = bytes.prefix(OutputKeeper.mostInFile - written)
        while !rest.isEmpty {
            let piece = Array(rest)
            guard let count = try? fd.write(piece.span) else { return }
            written += count
            rest = rest.dropFirst(count)
        }
    }
}

/// The end of what a program that stays has written, with its place in all of it.
struct OutputRing {
    private var bytes: [UInt8] = []
    private var dropped: UInt64 = 0

    static let most = 256 << 10

    var total: UInt64 { dropped + UInt64(bytes.count) }

    mutating func append(_ more: [UInt8]) {
        bytes += more
        // In large steps: moving it for every line would cost more than keeping twice as much.
        if bytes.count > 2 * Self.most {
            dropped += UInt64(bytes.count - Self.most)
            bytes.removeFirst(bytes.count - Self.most)
        }
    }

    func read(from place: UInt64, most: Int) -> (from: UInt64, bytes: [UInt8]) {
        let from = min(max(place, dropped), total)
        return (from, Array(bytes.dropFirst(Int(from - dropped)).prefix(most)))
    }
}
