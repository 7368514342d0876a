import Cells
import Linux

final class MakeDirectoryJob: FileJob {
    private let request: FileRequest.MakeDirectory
    private let location: Location

    init(_ request: FileRequest.MakeDirectory, at location: Location) throws(CellFailure) {
        (self.request, self.location) = (request, location)
        try location.requireWritable()
    }

    func step() throws(CellFailure) -> FileResult? {
        if location.isPlace, request.makeParents { return .done(entries: 0, bytes: 0) }
        let entry = try location.entry(
            for: .write, making: request.makeParents ? MadeDirectories() : nil)
        let made = try location.failing { () throws(SystemError) in try make(entry) }
        return .done(entries: made ? 1 : 0, bytes: 0)
    }

    /// As `mkdir -p`, content with a directory that is there already.
    private func make(_ entry: Location.Entry) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try entry.directory.fd.makeDirectory(entry.name, mode: 0o777)
        } catch {
            guard error.errno == .exists, request.makeParents, try entry.status()?.kind == .directory else {
                throw error
            }
            return false
        }
        if let mode = request.mode { try entry.directory.child(entry.name).fd.setMode(mode) }
        return true
    }
}
