import Tools

/// What every client may do as long as nobody decided otherwise: work in its workspace, read the system's programs,
/// run them. The cell's walls hold whatever this says.
package enum DefaultPolicy {
    private static let writable = ["/workspace", "/tmp"]
    private static let readable = writable + ["/usr", "/etc"]

    /// What is refused of these, in a sentence; `nil` when all of it is allowed.
    package static func refusal(of needs: [Permission]) -> String? {
        for need in needs where !allows(need) {
            let places = need.act == .write ? writable : readable
            return """
                \(need) is not permitted: the built-in policy allows to \(need.act.rawValue) \
                \(places.joined(separator: ", ")) and what is below. An administrator can grant more.
                """
        }
        return nil
    }

    private static func allows(_ need: Permission) -> Bool {
        switch need.act {
        case .run: true
        case .read: readable.contains { isBelow(need.object, $0) }
        case .write: writable.contains { isBelow(need.object, $0) }
        }
    }

    private static func isBelow(_ path: String, _ place: String) -> Bool {
        path == place || path.hasPrefix(place + "/")
    }
}
