// A patch of several files, all or nothing.
//
//   read ──▶ prepared: every file's new content under a hidden name beside it ──▶ committed ──▶ answered
//                                  └─ anything fails: the hidden files go, nothing was seen
//
// Committing is one step, in which every name is exchanged with its hidden one (a new file is renamed to
// its name, one to be deleted away from it). If one of these fails, those before are taken back in reverse;
// only when that is done do the old files go. Others see the files change one after the other, and a
// machine that stops within that step leaves some of them changed: the kernel has no rename of many.

import Cells
import Diff
import Linux

final class PatchJob: FileJob {
    private let request: FileRequest.Patch
    private let files: [(location: Location, file: UnifiedPatch.File)]
    private let parents = MadeDirectories()
    private var changes: [any PatchedFile] = []
    private var roomForDiffs = FileLimits.mostContent
    private var answer: [FileResult.Changes.File] = []

    init(_ request: FileRequest.Patch, _ resolver: PathResolver) throws(CellFailure) {
        self.request = request
        let directory = try resolver.locate(request.directory)
        files = try UnifiedPatch(request.text).files.map { (file) throws(CellFailure) in
            // An absolute name in a patch stays absolute, and is refused unless the cell has it.
            let isAbsolute = file.path.hasPrefix("/")
            let location = try resolver.locate(isAbsolute ? file.path : directory.path + "/" + file.path)
            if !request.isDryRun { try location.requireWritable() }
            return (location, file)
        }
    }

    deinit {
        changes = []
        parents.remove()
    }

    /// Prepares one file, or commits them all.
    func step() throws(CellFailure) -> FileResult? {
        if changes.count < files.count {
            let (location, file) = files[changes.count]
            do throws(CellFailure) {
                try prepare(file, at: location)
            } catch {
                throw nothingChanged(error)
            }
            return nil
        }
        if !request.isDryRun { try commit() }
        return .changed(FileResult.Changes(files: answer, wasDryRun: request.isDryRun))
    }

    private func prepare(_ file: UnifiedPatch.File, at location: Location) throws(CellFailure) {
        let diff: UnifiedDiff
        switch file.act {
        case .changed:
            let change = try ChangedFile(file, location, isDryRun: request.isDryRun)
            changes.append(change)
            diff = UnifiedDiff(path: file.path, old: change.edited.old, new: change.edited.new)
        case .created:
            let content = try file.apply(to: [])
            changes.append(try CreatedFile(content, location, request.isDryRun ? nil : parents))
            diff = UnifiedDiff(path: file.path, old: nil, new: content)
        case .deleted:
            let change = try DeletedFile(file, location)
            changes.append(change)
            diff = UnifiedDiff(path: file.path, old: change.edited.old, new: nil)
        }
        let isShown = diff.text.utf8.count <= roomForDiffs
        if isShown { roomForDiffs -= diff.text.utf8.count }
        answer.append(
            FileResult.Changes.File(
                path: location.path, act: file.act, count: UInt32(file.hunks.count),
                diff: isShown ? diff.text : "... which is not shown\n"))
    }

    private func commit() throws(CellFailure) {
        for (number, change) in changes.enumerated() {
            do throws(CellFailure) {
                try change.commit()
            } catch {
                for done in changes[..<number].reversed() { done.takeBack() }
                throw nothingChanged(error)
            }
        }
        for change in changes { change.finish() }
        parents.keep()
    }

    private func nothingChanged(_ failure: CellFailure) -> CellFailure {
        var failure = failure
        if !failure.message.hasSuffix("Nothing was changed.") {
            failure.message += " The patch is applied whole or not at all: nothing was changed."
        }
        return failure
    }
}

private protocol PatchedFile: AnyObject {
    func commit() throws(CellFailure)
    func takeBack()
    /// Everybody has committed.
    func finish()
}

private final class ChangedFile: PatchedFile {
    let edited: EditedFile

    init(_ file: UnifiedPatch.File, _ location: Location, isDryRun: Bool) throws(CellFailure) {
        edited = try EditedFile(location, isDryRun: isDryRun)
        edited.new = try file.apply(to: edited.old)
        if !isDryRun { try edited.prepare() }
    }

    func commit() throws(CellFailure) { try edited.exchange() }
    func takeBack() { edited.exchangeBack() }
    func finish() {}
}

private final class CreatedFile: PatchedFile {
    private let location: Location
    private var temporary: TemporaryFile?

    init(_ content: [UInt8], _ location: Location, _ parents: MadeDirectories?) throws(CellFailure) {
        self.location = location
        guard let parents else {
            // In a dry run its directories are not made, and need not be there.
            if (try? location.entry(for: .write).status()) != nil { throw exists }
            return
        }
        let entry = try location.entry(for: .write, making: parents)
        if try location.failing({ () throws(SystemError) in try entry.status() }) != nil { throw exists }
        temporary = try location.failing { () throws(SystemError) in
            let temporary = try TemporaryFile(for: entry)
            try temporary.write(content.span, at: 0)
            return temporary
        }
    }

    private var exists: CellFailure {
        CellFailure(
            .exists, path: location.path, "\(location.path) exists already, and the patch makes it anew.")
    }

    func commit() throws(CellFailure) {
        try location.failing { () throws(SystemError) in try temporary?.putInPlace(replacing: false) }
    }

    func takeBack() { try? temporary?.takeBack() }
    func finish() {}
}

private final class DeletedFile: PatchedFile {
    let edited: EditedFile
    private let location: Location
    private let entry: Location.Entry
    private let hidden = TemporaryFile.freshName()
    private var isHidden = false

    init(_ file: UnifiedPatch.File, _ location: Location) throws(CellFailure) {
        self.location = location
        edited = try EditedFile(location)
        entry = try location.entry(for: .write)
        edited.new = try file.apply(to: edited.old)
        guard edited.new.isEmpty else {
            throw CellFailure(
                .patchFailed, path: location.path,
                "\(location.path) has more lines than the patch, which deletes it, says.")
        }
    }

    func commit() throws(CellFailure) {
        try edited.requireUnchanged()
        try location.failing { () throws(SystemError) in
            try entry.directory.fd.rename(entry.name, to: entry.directory.fd, hidden, .notReplacing)
        }
        isHidden = true
    }

    func takeBack() {
        try? entry.directory.fd.rename(hidden, to: entry.directory.fd, entry.name, .notReplacing)
        isHidden = false
    }

    func finish() {
        if isHidden { try? entry.directory.fd.removeFile(hidden) }
    }
}
