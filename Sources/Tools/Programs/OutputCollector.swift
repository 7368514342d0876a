import Cells

// What a program of a call writes, on its way to the result, and to the client piece by piece as progress.
//
// Progress counts the bytes so far, so that it always increases. The first pieces go out as they come; a program
// that goes on in small ones has them gathered then, so that a call costs a bounded number of messages (the cell
// passes on a bounded number of bytes). A piece that is large shows its end, where a person would look.
//
// It names no executor: it runs where the call's task prefers to, which is the loop.

actor OutputCollector {
    private(set) var output: [UInt8] = []
    private(set) var error: [UInt8] = []

    private let reporter: any CallReporter
    private var waiting: [UInt8] = []
    private var waitingIsError = false
    private var messages = 0

    static let longestPiece = 4 << 10
    static let promptMessages = 200

    init(_ reporter: any CallReporter) { self.reporter = reporter }

    func take(_ piece: ProgramOutput) async {
        guard !piece.bytes.isEmpty else { return }
        // What waits is older than this, and of the other stream.
        if piece.isError != waitingIsError { await send() }
        waitingIsError = piece.isError
        waiting += piece.bytes
        if piece.isError { error += piece.bytes } else { output += piece.bytes }
        if messages < Self.promptMessages || waiting.count >= Self.longestPiece {
            await send(leaving: waiting.openCharacterLength)
        }
    }

    private var sentCount: Int { output.count + error.count - waiting.count }

    private func send(leaving open: Int = 0) async {
        let piece = Array(waiting.dropLast(open))
        guard !piece.isEmpty else { return }
        waiting.removeFirst(piece.count)
        messages += 1
        let isCut = piece.count > Self.longestPiece
        let end = isCut ? Array(piece.suffix(Self.longestPiece)) : piece
        let shown = end.dropFirst(isCut ? end.continuedCharacterLength : 0)
        let text =
            (waitingIsError ? "[stderr] " : "") + (isCut ? "…" : "") + String(decoding: shown, as: UTF8.self)
        await reporter.progress(Double(sentCount), of: nil, message: text)
    }
}
