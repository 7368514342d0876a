import Glibc

/// Names of users and groups, as the system's databases have them.
package enum Accounts {
    package struct User: Equatable, Sendable {
        package let name: String
        package let home: String
        package let shell: String
    }

    package static func user(_ uid: uid_t) -> User? {
        guard let entry = unsafe getpwuid(uid) else { return nil }
        return unsafe User(
            name: String(cString: entry.pointee.pw_name), home: String(cString: entry.pointee.pw_dir),
            shell: String(cString: entry.pointee.pw_shell))
    }

    package static func groupName(_ gid: gid_t) -> String? {
        guard let entry = unsafe getgrgid(gid) else { return nil }
        return unsafe String(cString: entry.pointee.gr_name)
    }

    /// All the groups that the system's databases put a user into, the given one with them.
    package static func groups(of name: String, with group: gid_t) -> [gid_t] {
        var groups = [gid_t](repeating: 0, count: 64)
        var count = CInt(groups.count)
        while unsafe getgrouplist(name, group, &groups, &count) < 0, Int(count) > groups.count {
            groups = [gid_t](repeating: 0, count: Int(count))
        }
        return Array(groups.prefix(max(0, Int(count))))
    }
}
