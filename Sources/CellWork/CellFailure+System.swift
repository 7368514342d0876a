// What the kernel said, in a sentence for the client: which wall it was, and what would allow it.

import Cells
import Linux

extension CellFailure {
    init(_ error: SystemError, at path: String, in place: Place) {
        let (kind, sentence) = Self.explain(error.errno, path, place)
        self.init(
            kind, path: path, call: error.call, errno: error.errno.rawValue,
            sentence ?? "\(path): \(error.call) failed: \(error.errno).")
    }

    static func readOnly(_ path: String, in place: Place) -> CellFailure {
        CellFailure(
            .readOnlyPlace, path: path,
            "\(path) is in \(place.path), which this cell has for reading only (wall fileview). An"
                + " administrator can make that tree writable in the policy.")
    }

    private static func explain(_ errno: Errno, _ path: String, _ place: Place) -> (Kind, String?) {
        switch errno {
        case .notFound: (.notFound, "\(path) does not exist.")
        case .exists: (.exists, "\(path) exists already.")
        case .isDirectory: (.notAFile, "\(path) is a directory.")
        case .notADirectory: (.notADirectory, "\(path), or a part of that path, is not a directory.")
        case .notEmpty: (.notEmpty, "The directory \(path) is not empty.")
        case .crossesDevice:
            (
                .leadsOut,
                "\(path) leads out of \(place.path) through a symbolic link (absolute ones always do), and"
                    + " the wall fileview ends there. Name the file itself, by a path inside of what the cell"
                    + " has."
            )
        case .tooManyLinks:
            (
                .leadsOut,
                "\(path) goes through a symbolic link where none is followed: too many of them, one that"
                    + " turns in a circle, or one of those that /proc makes up."
            )
        case .permissionDenied, .notPermitted:
            (
                .deniedByWall,
                "The kernel denies this on \(path): the user that the cell runs as has no right to it by its"
                    + " mode, or the wall landlock, seccomp or capabilities forbids it. The owner of the file can"
                    + " change its mode (chmod), and an administrator what the cell is given in the policy."
            )
        case .readOnlyFileSystem: (.readOnlyPlace, readOnly(path, in: place).message)
        case .noSpace:
            (
                .noSpace,
                "There is no space left in \(place.path) (wall workspace limits it). Delete something there; an"
                    + " administrator can raise the limit in the policy."
            )
        case .quotaExceeded:
            (
                .quota,
                "The disk quota of \(place.path) is used up (wall workspace). Delete something there; an"
                    + " administrator can raise the limit in the policy."
            )
        case .fileTooLarge:
            (
                .tooLarge,
                "\(path) would become larger than a file of this cell may be (wall rlimits). An administrator"
                    + " can raise the limit in the policy."
            )
        case .nameTooLong:
            (.invalid, "\(path): a name has at most 255 bytes, and a path at most \(FileLimits.longestPath).")
        case .noDevice: (.specialFile, "\(path) is a socket, a pipe or a device, which is not opened.")
        case .busy:
            (
                .invalid,
                "At \(path), or within it, another place of the cell begins, and that stays where it is. Delete or"
                    + " move what is beside it."
            )
        case .textBusy: (.other, "\(path) is a program that is running, and cannot be written now.")
        case .processFilesExhausted:
            (
                .other,
                "The cell has as many files open as it may (wall rlimits). Close some, or ask an administrator"
                    + " to raise the limit."
            )
        case .wouldBlock:
            (.changedMeanwhile, "Something on the way to \(path) was renamed again and again. Try it again.")
        default: (.other, nil)
        }
    }
}
