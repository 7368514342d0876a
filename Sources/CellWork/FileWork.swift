// Everything that a cell does with files, in steps that are bounded, so that one thread can do it beside
// everything else.
//
//   request ──job(for:)──▶ job ──step──▶ nothing yet ──step──▶ … ──step──▶ result
//                           └──────────step──▶ failure
//
// A step takes about a megabyte, or some thousand names, or one attempt at a costly pattern; one of an edit
// or a patch takes one file, which is not larger than FileLimits.mostEdited. A job that is dropped has been
// cancelled: its descriptors close, and its temporary files and directories go with it. What a request
// changes is seen all at once, when its last step renames what was prepared; exceptions are said where they
// are (appending, deleting a tree).

import Cells

package protocol FileJob: AnyObject {
    /// A bounded piece of work; `nil` when there is more to do.
    func step() throws(CellFailure) -> FileResult?
}

package struct FileWork: Sendable {
    package private(set) var resolver: PathResolver

    package init(places: [Place]) { resolver = PathResolver(places: places) }

    /// For the requests from here on; those that are under way keep what they had.
    package mutating func obey(_ rules: FileRules) {
        resolver = PathResolver(places: resolver.places, rules: rules)
    }

    package func job(for request: FileRequest) throws(CellFailure) -> any FileJob {
        switch request {
        case .read(let read): try ReadJob(read, at: resolver.locate(read.path))
        case .write(let write): try WriteJob(write, at: resolver.locate(write.path))
        case .edit(let edit): try EditJob(edit, at: resolver.locate(edit.path))
        case .list(let list): try ListJob(list, at: resolver.locate(list.path))
        case .find(let find): try ListJob(find, at: resolver.locate(find.path))
        case .search(let search): try SearchJob(search, at: resolver.locate(search.path))
        case .info(let path): try InfoJob(resolver.locate(path))
        case .makeDirectory(let make): try MakeDirectoryJob(make, at: resolver.locate(make.path))
        case .move(let move):
            try MoveJob(move, from: resolver.locate(move.from), to: resolver.locate(move.to))
        case .copy(let copy):
            try CopyJob(copy, from: resolver.locate(copy.from), to: resolver.locate(copy.to))
        case .delete(let path, let isRecursive):
            try DeleteJob(resolver.locate(path), isRecursive: isRecursive)
        case .patch(let patch): try PatchJob(patch, resolver)
        }
    }

    /// To its end, for those who have nothing else to do.
    package func perform(_ request: FileRequest) throws(CellFailure) -> FileResult {
        let job = try job(for: request)
        while true {
            if let result = try job.step() { return result }
        }
    }
}
