// Landlock: what a process, and everything that it starts, may do with files, decided by where they lie.
//
// A ruleset *handles* rights; what is handled is denied everywhere, but where a rule allows it. It comes on
// top of ordinary permissions and never gives anything. Once a thread has restricted itself, nothing lifts
// that again, and everything that it starts inherits it.
//
// Invariant: a ruleset handles all the rights that the running kernel knows. A kernel that knows fewer has
// fewer walls, and `Landlock.abi` says so; a right that it does not know is left out of rules too.

import CLinux
import Glibc

package enum Landlock {
    /// The version of the kernel's interface; 0 where there is no Landlock, or where it is switched off.
    package static var abi: Int { max(0, Int(cloister_landlock_version())) }
}

/// What may be done with files. Kernel names, without their prefix.
package struct LandlockAccess: OptionSet, Hashable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package static let execute = LandlockAccess(rawValue: 1 << 0)
    package static let writeFile = LandlockAccess(rawValue: 1 << 1)
    package static let readFile = LandlockAccess(rawValue: 1 << 2)
    package static let readDirectory = LandlockAccess(rawValue: 1 << 3)
    package static let removeDirectory = LandlockAccess(rawValue: 1 << 4)
    package static let removeFile = LandlockAccess(rawValue: 1 << 5)
    package static let makeCharacterDevice = LandlockAccess(rawValue: 1 << 6)
    package static let makeDirectory = LandlockAccess(rawValue: 1 << 7)
    package static let makeRegular = LandlockAccess(rawValue: 1 << 8)
    package static let makeSocket = LandlockAccess(rawValue: 1 << 9)
    package static let makeFIFO = LandlockAccess(rawValue: 1 << 10)
    package static let makeBlockDevice = LandlockAccess(rawValue: 1 << 11)
    package static let makeSymbolicLink = LandlockAccess(rawValue: 1 << 12)
    /// Moving and linking from one directory into another.
    package static let refer = LandlockAccess(rawValue: 1 << 13)
    package static let truncate = LandlockAccess(rawValue: 1 << 14)
    /// Commands to devices that were opened after the restriction.
    package static let ioctlDevice = LandlockAccess(rawValue: 1 << 15)

    package static let readOnly: LandlockAccess = [.readFile, .readDirectory, .execute]
    /// Everything but making devices.
    package static let readWrite = all.subtracting([.makeCharacterDevice, .makeBlockDevice])

    private static let all = LandlockAccess(rawValue: 1 << 16 - 1)

    /// The rights that mean something on what is not a directory; the kernel refuses rules with others.
    static let onFiles: LandlockAccess = [.execute, .writeFile, .readFile, .truncate, .ioctlDevice]

    /// What a kernel with this version of the interface knows.
    static func known(in abi: Int) -> LandlockAccess {
        var access = all
        if abi < 5 { access.remove(.ioctlDevice) }
        if abi < 3 { access.remove(.truncate) }
        if abi < 2 { access.remove(.refer) }
        return abi < 1 ? [] : access
    }
}

/// Rules that are being collected. They hold once `restrictSelf` has consumed them.
package struct LandlockRuleset: ~Copyable {
    private let ruleset: OwnedFD
    private let handled: LandlockAccess

    /// LANDLOCK_ACCESS_NET_BIND_TCP and LANDLOCK_ACCESS_NET_CONNECT_TCP
    private static let tcpRights: UInt64 = 1 << 0 | 1 << 1
    /// LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and LANDLOCK_SCOPE_SIGNAL: nobody outside can be reached by them.
    private static let scopes: UInt64 = 1 << 0 | 1 << 1

    /// TCP stays usable by default: a cell has a network of its own, which is wall enough, and a program may
    /// talk to another on its loopback. To deny it altogether where the kernel cannot is an error.
    package init(denyingTCP: Bool = false) throws(SystemError) {
        let abi = Landlock.abi
        guard !denyingTCP || abi >= 4 else {
            throw SystemError("landlock_create_ruleset", Errno(rawValue: EOPNOTSUPP), "TCP rights")
        }
        let files = LandlockAccess.known(in: abi)
        let raw = try systemCall("landlock_create_ruleset") {
            cloister_landlock_create(
                files.rawValue, denyingTCP ? Self.tcpRights : 0, abi >= 6 ? Self.scopes : 0)
        }
        handled = files
        ruleset = OwnedFD(raw: raw)
    }

    /// Allows something on a file, or on a directory and all that is in it.
    package borrowing func allow(
        _ object: borrowing OwnedFD, _ access: LandlockAccess
    ) throws(SystemError) {
        var granted = access.intersection(handled)
        if try !object.isDirectory() { granted.formIntersection(.onFiles) }
        // A rule that allows nothing is an error to the kernel, and says nothing.
        if granted.isEmpty { return }
        try systemCall("landlock_add_rule") {
            cloister_landlock_allow(ruleset.raw, object.raw, granted.rawValue)
        }
    }

    /// For a process that is to restrict itself by them.
    package borrowing func pass(into table: inout DescriptorTable) throws(SystemError) {
        try table.add(ruleset)
    }

    /// From here the rules hold for this thread and what it starts. Needs `no_new_privs`.
    package consuming func restrictSelf() throws(SystemError) {
        let raw = ruleset.raw
        try systemCall("landlock_restrict_self") { cloister_landlock_restrict_self(raw) }
    }
}

extension OwnedFD {
    fileprivate func isDirectory() throws(SystemError) -> Bool {
        var status = stat()
        try systemCall("fstat") { unsafe fstat(raw, &status) }
        return status.st_mode & S_IFMT == S_IFDIR
    }
}
