// Names below a directory that is open. The kernel resolves them, and does not let them leave it: neither
// by `..`, nor by a symbolic link, nor by a directory that is swapped for one meanwhile.

import CLinux
import Glibc

extension File.OpenFlags {
    package static let writeOnly = File.OpenFlags(rawValue: O_WRONLY)
    package static let append = File.OpenFlags(rawValue: O_APPEND)
    package static let exclusive = File.OpenFlags(rawValue: O_EXCL)
    package static let nonBlocking = File.OpenFlags(rawValue: O_NONBLOCK)
    package static let noTerminal = File.OpenFlags(rawValue: O_NOCTTY)
    /// Only to name it, without any access.
    package static let path = File.OpenFlags(rawValue: O_PATH)
}

extension OwnedFD {
    /// What of a path the kernel refuses.
    package struct Resolve: OptionSet, Sendable {
        package let rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }
        package static let beneath = Resolve(rawValue: 0x08)
        package static let noMounts = Resolve(rawValue: 0x01)
        package static let noMagicLinks = Resolve(rawValue: 0x02)
        package static let noSymbolicLinks = Resolve(rawValue: 0x04)
    }

    /// The kernel cannot be sure about `..` while something is being renamed, and then says EAGAIN.
    private static let mostAttempts = 64

    package func open(
        _ path: FileName, _ flags: File.OpenFlags, mode: mode_t = 0,
        resolve: Resolve = [.beneath, .noMagicLinks]
    ) throws(SystemError) -> OwnedFD {
        var attempt = 1
        while true {
            do throws(SystemError) {
                return OwnedFD(
                    raw: try systemCall("openat2", on: path.description) {
                        unsafe path.withCString {
                            unsafe cloister_openat2(
                                raw, $0, UInt64(flags.rawValue | O_CLOEXEC), UInt64(mode), resolve.rawValue)
                        }
                    })
            } catch {
                guard error.errno == .wouldBlock, attempt < Self.mostAttempts else { throw error }
                attempt += 1
            }
        }
    }

    /// The directory above. Whoever asks compares its identity with what it has to be.
    package func openParent() throws(SystemError) -> OwnedFD {
        try open(FileName(".."), [.readOnly, .directory], resolve: [.noMagicLinks])
    }

    // MARK: The last part of a path, which none of these follows

    package func makeDirectory(_ name: FileName, mode: mode_t) throws(SystemError) {
        try systemCall("mkdirat", on: name.description) {
            unsafe name.withCString { unsafe mkdirat(raw, $0, mode) }
        }
    }

    package func removeFile(_ name: FileName) throws(SystemError) {
        try systemCall("unlinkat", on: name.description) {
            unsafe name.withCString { unsafe unlinkat(raw, $0, 0) }
        }
    }

    package func removeDirectory(_ name: FileName) throws(SystemError) {
        try systemCall("unlinkat", on: name.description) {
            unsafe name.withCString { unsafe unlinkat(raw, $0, AT_REMOVEDIR) }
        }
    }

    package func makeSymbolicLink(_ name: FileName, to target: FileName) throws(SystemError) {
        try systemCall("symlinkat", on: name.description) {
            unsafe name.withCString { name in
                unsafe target.withCString { unsafe symlinkat($0, raw, name) }
            }
        }
    }

    /// What a symbolic link says.
    package func readLink(_ name: FileName) throws(SystemError) -> FileName {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = try systemCall("readlinkat", on: name.description) {
            unsafe buffer.withUnsafeMutableBytes { buffer in
                unsafe name.withCString {
                    unsafe readlinkat(
                        raw, $0, buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
                }
            }
        }
        return FileName(unchecked: buffer[..<count])
    }

    package enum Renaming: UInt32, Sendable {
        case replacing = 0
        case notReplacing = 1
        case exchanging = 2
    }

    package func rename(
        _ name: FileName, to directory: borrowing OwnedFD, _ newName: FileName, _ renaming: Renaming
    ) throws(SystemError) {
        let target = directory.raw
        try systemCall("renameat2", on: newName.description) {
            unsafe name.withCString { old in
                unsafe newName.withCString { unsafe renameat2(raw, old, target, $0, renaming.rawValue) }
            }
        }
    }
}

extension OwnedFD {
    /// Where what is open stands now, in the view of this process; `nil` where it has no name, or none that is certain.
    package var currentPath: [UInt8]? {
        guard let path = try? File.readLinkBytes("/proc/self/fd/\(number)"), path.first == UInt8(ascii: "/"),
            !path.ends(with: " (deleted)".utf8)
        else { return nil }
        return path
    }
}

extension [UInt8] {
    fileprivate func ends(with suffix: String.UTF8View) -> Bool { reversed().starts(with: suffix.reversed()) }
}
