// What a cell can be asked to do with files. A path is absolute, or relative to the workspace; globs and
// patterns are the client's. All limits are in FileLimits.

package enum FileRequest: Equatable, Sendable {
    case read(Read)
    case write(Write)
    case edit(Edit)
    case list(List)
    case find(Find)
    case search(Search)
    case info(path: String)
    case makeDirectory(MakeDirectory)
    case move(Transfer)
    case copy(Transfer)
    case delete(path: String, isRecursive: Bool)
    case patch(Patch)

    package struct Read: Equatable, Sendable {
        package enum Part: Equatable, Sendable {
            /// The first line is 1.
            case lines(first: UInt64, count: UInt64)
            case bytes(offset: UInt64, count: UInt64)
        }

        package var path: String
        package var part: Part
        /// The most bytes of an answer.
        package var limit: UInt32

        package init(
            path: String, part: Part = .lines(first: 1, count: .max),
            limit: UInt32 = UInt32(FileLimits.mostContent)
        ) {
            (self.path, self.part, self.limit) = (path, part, limit)
        }
    }

    package struct Write: Equatable, Sendable {
        package enum Disposition: UInt8, CaseIterable, Sendable {
            /// Only where nothing is.
            case create
            /// In place of what is there, if anything is.
            case overwrite
            /// Behind what is there, if anything is.
            case append
        }

        package var path: String
        package var data: [UInt8]
        package var disposition: Disposition
        /// Without one a new file gets what the umask leaves, and a replaced one keeps its own.
        package var mode: UInt16?
        package var makeParents: Bool

        package init(
            path: String, data: [UInt8], disposition: Disposition = .create, mode: UInt16? = nil,
            makeParents: Bool = false
        ) {
            (self.path, self.data, self.disposition) = (path, data, disposition)
            (self.mode, self.makeParents) = (mode, makeParents)
        }
    }

    package struct Edit: Equatable, Sendable {
        package struct Replacement: Equatable, Sendable {
            package var old: [UInt8]
            package var new: [UInt8]
            /// Otherwise the old text has to be there exactly once.
            package var replaceAll: Bool

            package init(old: [UInt8], new: [UInt8], replaceAll: Bool = false) {
                (self.old, self.new, self.replaceAll) = (old, new, replaceAll)
            }
        }

        package var path: String
        /// Each sees what the ones before it made.
        package var replacements: [Replacement]
        package var isDryRun: Bool

        package init(path: String, replacements: [Replacement], isDryRun: Bool = false) {
            (self.path, self.replacements, self.isDryRun) = (path, replacements, isDryRun)
        }
    }

    package struct List: Equatable, Sendable {
        package var path: String
        /// 1 is the directory alone.
        package var depth: UInt32
        package var limit: UInt32
        package var ignores: [String]
        package var includeHidden: Bool
        /// Continues behind this relative path: `Cut.after` of the answer before.
        package var after: [UInt8]

        package init(
            path: String, depth: UInt32 = 1, limit: UInt32 = 1000, ignores: [String] = [],
            includeHidden: Bool = true, after: [UInt8] = []
        ) {
            (self.path, self.depth, self.limit) = (path, depth, limit)
            (self.ignores, self.includeHidden, self.after) = (ignores, includeHidden, after)
        }
    }

    package struct Find: Equatable, Sendable {
        package var path: String
        package var glob: String
        package var limit: UInt32
        package var ignores: [String]
        package var after: [UInt8]

        package init(
            path: String, glob: String, limit: UInt32 = 1000, ignores: [String] = [], after: [UInt8] = []
        ) {
            (self.path, self.glob, self.limit) = (path, glob, limit)
            (self.ignores, self.after) = (ignores, after)
        }
    }

    package struct Search: Equatable, Sendable {
        package var path: String
        package var pattern: String
        package var isLiteral = false
        package var ignoreCase = false
        /// Only files whose relative path it matches; empty: all.
        package var glob = ""
        package var ignores: [String] = []
        package var contextLines: UInt32 = 0
        package var mostMatches: UInt32 = 1000
        package var mostBytes: UInt32 = 1 << 20

        package init(path: String, pattern: String) {
            (self.path, self.pattern) = (path, pattern)
        }
    }

    package struct MakeDirectory: Equatable, Sendable {
        package var path: String
        package var makeParents: Bool
        package var mode: UInt16?

        package init(path: String, makeParents: Bool = false, mode: UInt16? = nil) {
            (self.path, self.makeParents, self.mode) = (path, makeParents, mode)
        }
    }

    package struct Transfer: Equatable, Sendable {
        package var from: String
        package var to: String
        package var overwrite: Bool

        package init(from: String, to: String, overwrite: Bool = false) {
            (self.from, self.to, self.overwrite) = (from, to, overwrite)
        }
    }

    package struct Patch: Equatable, Sendable {
        package var text: [UInt8]
        /// What the paths in the patch are relative to.
        package var directory: String
        package var isDryRun: Bool

        package init(text: [UInt8], directory: String = ".", isDryRun: Bool = false) {
            (self.text, self.directory, self.isDryRun) = (text, directory, isDryRun)
        }
    }
}
