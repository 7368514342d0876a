import Glibc

// What can be wrong with a file.
extension Errno {
    package static let notPermitted = Errno(rawValue: EPERM)
    package static let isDirectory = Errno(rawValue: EISDIR)
    package static let notADirectory = Errno(rawValue: ENOTDIR)
    package static let notEmpty = Errno(rawValue: ENOTEMPTY)
    package static let tooManyLinks = Errno(rawValue: ELOOP)
    package static let crossesDevice = Errno(rawValue: EXDEV)
    package static let readOnlyFileSystem = Errno(rawValue: EROFS)
    package static let noSpace = Errno(rawValue: ENOSPC)
    package static let quotaExceeded = Errno(rawValue: EDQUOT)
    package static let fileTooLarge = Errno(rawValue: EFBIG)
    package static let noDevice = Errno(rawValue: ENXIO)
    package static let textBusy = Errno(rawValue: ETXTBSY)
    package static let outOfMemory = Errno(rawValue: ENOMEM)
    package static let busy = Errno(rawValue: EBUSY)
}
