// What a cell answers to a request about files. Names are bytes to the kernel: what is not UTF-8 is shown
// lossily and marked. Whatever was cut says so, and where to go on.

package enum FileResult: Equatable, Sendable {
    case read(Content)
    case written(bytes: UInt64, isNew: Bool)
    /// Of an edit and of a patch.
    case changed(Changes)
    /// Of a list and of a find.
    case entries(Listing)
    case found(Findings)
    case info(Info)
    /// Of making, moving, copying and deleting: how many entries of directories that were, and how many
    /// bytes were copied.
    case done(entries: UInt64, bytes: UInt64)

    /// A name or path out of a directory.
    package struct Name: Equatable, Sendable {
        package var text: String
        /// The bytes were UTF-8, so that the text leads back to the file.
        package var isExact: Bool

        package init(text: String, isExact: Bool) { (self.text, self.isExact) = (text, isExact) }

        package init(_ bytes: some Collection<UInt8>) {
            if let text = String(validating: bytes, as: UTF8.self) {
                self.init(text: text, isExact: true)
            } else {
                self.init(text: String(decoding: bytes, as: UTF8.self), isExact: false)
            }
        }
    }

    package enum FileKind: UInt8, CaseIterable, Sendable {
        case regular, directory, symbolicLink, fifo, socket, characterDevice, blockDevice, unknown
    }

    package struct Content: Equatable, Sendable {
        /// A part of the message that brought them, so that they are not copied out of it.
        package var bytes: ArraySlice<UInt8>
        /// What the file said that its size is.
        package var totalSize: UInt64
        package var offset: UInt64
        /// 0 where bytes were asked for.
        package var firstLine: UInt64
        package var lineCount: UInt64
        /// Nothing comes behind it.
        package var isComplete: Bool
        /// Where to go on; the line is 0 where bytes were asked for.
        package var nextOffset: UInt64
        package var nextLine: UInt64

        package init(
            bytes: [UInt8], totalSize: UInt64, offset: UInt64, firstLine: UInt64 = 0,
            lineCount: UInt64 = 0, isComplete: Bool, nextOffset: UInt64, nextLine: UInt64 = 0
        ) {
            (self.bytes, self.totalSize, self.offset) = (bytes[...], totalSize, offset)
            (self.firstLine, self.lineCount, self.isComplete) = (firstLine, lineCount, isComplete)
            (self.nextOffset, self.nextLine) = (nextOffset, nextLine)
        }
    }

    package struct Changes: Equatable, Sendable {
        package enum Act: UInt8, CaseIterable, Sendable { case changed, created, deleted }

        package struct File: Equatable, Sendable {
            package var path: String
            package var act: Act
            /// Replacements of an edit, hunks of a patch.
            package var count: UInt32
            /// A unified diff, lossily where the file is not UTF-8.
            package var diff: String

            package init(path: String, act: Act, count: UInt32, diff: String) {
                (self.path, self.act, self.count, self.diff) = (path, act, count, diff)
            }
        }

        package var files: [File]
        package var wasDryRun: Bool

        package init(files: [File], wasDryRun: Bool) { (self.files, self.wasDryRun) = (files, wasDryRun) }
    }

    /// An answer that is not all there is.
    package struct Cut: Equatable, Sendable {
        package enum Reason: UInt8, CaseIterable, Sendable {
            /// As many as were asked for, or as fit.
            case limit
            /// A directory with more entries than are sorted in memory.
            case crowdedDirectory
        }

        package var reason: Reason
        /// The last relative path that was given: to be asked for as `after`.
        package var after: [UInt8]
        package var advice: String

        package init(reason: Reason, after: [UInt8], advice: String) {
            (self.reason, self.after, self.advice) = (reason, after, advice)
        }
    }

    package struct Listing: Equatable, Sendable {
        package struct Entry: Equatable, Sendable {
            /// Relative to what was asked for.
            package var name: Name
            package var kind: FileKind
            package var mode: UInt16
            package var size: UInt64
            /// Nanoseconds since 1970.
            package var modified: Int64
            package var target: Name?

            package init(
                name: Name, kind: FileKind, mode: UInt16, size: UInt64, modified: Int64, target: Name?
            ) {
                (self.name, self.kind, self.mode) = (name, kind, mode)
                (self.size, self.modified, self.target) = (size, modified, target)
            }
        }

        package var entries: [Entry]
        /// Directories that could not be looked into.
        package var unreadable: UInt64
        package var cut: Cut?

        package init(entries: [Entry], unreadable: UInt64, cut: Cut?) {
            (self.entries, self.unreadable, self.cut) = (entries, unreadable, cut)
        }
    }

    package struct Findings: Equatable, Sendable {
        package struct Match: Equatable, Sendable {
            package var line: UInt64
            /// In bytes; the first is 1.
            package var column: UInt32
            package var text: String
            package var before: [String]
            package var after: [String]

            package init(line: UInt64, column: UInt32, text: String, before: [String], after: [String]) {
                (self.line, self.column, self.text) = (line, column, text)
                (self.before, self.after) = (before, after)
            }
        }

        package struct File: Equatable, Sendable {
            package var name: Name
            package var matches: [Match]

            package init(name: Name, matches: [Match]) { (self.name, self.matches) = (name, matches) }
        }

        package var files: [File] = []
        package var searchedFiles: UInt64 = 0
        package var searchedBytes: UInt64 = 0
        package var binaryFiles: UInt64 = 0
        package var unreadable: UInt64 = 0
        package var cut: Cut?

        package init() {}
    }

    package struct Info: Equatable, Sendable {
        package var kind: FileKind
        package var mode: UInt16
        package var size: UInt64
        package var allocated: UInt64
        package var links: UInt64
        package var uid: UInt32
        package var gid: UInt32
        package var device: UInt64
        package var inode: UInt64
        /// Nanoseconds since 1970.
        package var accessed: Int64
        package var modified: Int64
        package var changed: Int64
        package var born: Int64?
        package var target: Name?
        /// The place that it is in.
        package var place: String
        package var isWritablePlace: Bool

        package init(
            kind: FileKind, mode: UInt16, size: UInt64, allocated: UInt64, links: UInt64, uid: UInt32,
            gid: UInt32, device: UInt64, inode: UInt64, accessed: Int64, modified: Int64, changed: Int64,
            born: Int64?, target: Name?, place: String, isWritablePlace: Bool
        ) {
            (self.kind, self.mode, self.size, self.allocated) = (kind, mode, size, allocated)
            (self.links, self.uid, self.gid) = (links, uid, gid)
            (self.device, self.inode) = (device, inode)
            (self.accessed, self.modified, self.changed, self.born) = (accessed, modified, changed, born)
            (self.target, self.place, self.isWritablePlace) = (target, place, isWritablePlace)
        }
    }
}
