/// Names on the bus.
package enum DBusNames {
    package static let bus = "org.cloister.Cloister1"
    static let root = "/org/cloister/Cloister1"
    static let manager = bus + ".Manager"
    static let client = bus + ".Client"
    static let cell = bus + ".Cell"
    static let approval = bus + ".Approval"
    static let module = bus + ".Module"
    static let errors = bus + ".Error."

    /// Objects that come and go, by what their paths begin with.
    enum Kind: String, CaseIterable, Sendable {
        case client, cell, approval

        func path(_ number: UInt64) -> String { "\(root)/\(rawValue)/\(number)" }
    }

    static func path(ofModule name: String) -> String { "\(root)/module/\(name)" }

    /// As numbers are written, and in no other way: one object has one path.
    static func parse(_ path: String) -> (Kind, UInt64)? {
        let words = path.dropFirst(root.count).split(separator: "/", omittingEmptySubsequences: false)
        guard path.hasPrefix(root + "/"), words.count == 3, let kind = Kind(rawValue: String(words[1])),
            let number = UInt64(words[2]), kind.path(number) == path
        else { return nil }
        return (kind, number)
    }
}
