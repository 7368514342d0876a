import Glibc

/// Names of users and groups, as the system's databases have them.
package enum Accounts {
    package struct User: Equatable, Sendable {
        package let name: String
        package let home: String
    }

    package static func user(_ uid: uid_t) -> User? {
        guard let entry = unsafe getpwuid(uid) else { return nil }
        return unsafe User(
            name: String(cString: entry.pointee.pw_name), home: String(cString: entry.pointee.pw_dir))
    }

    package static func groupName(_ gid: gid_t) -> String? {
        guard let entry = unsafe getgrgid(gid) else { return nil }
        return unsafe String(cString: entry.pointee.gr_name)
    }
}
