/// What a process's place among control groups says of it: the system's unit that it belongs to, which nobody but
/// the system's manager gives, and the application as which its user's manager started it.
package struct ControlGroupPlace: Equatable, Sendable {
    /// Such as `cron.service`, `session-3.scope`, or `user@1000.service` for all that a user's manager started.
    package let unit: String?
    /// Such as `org.mozilla.firefox`; a user can start anything under any such name.
    package let application: String?

    /// A path of the unified hierarchy, such as `/user.slice/user-1000.slice/user@1000.service/app.slice/…`.
    package init(path: String) {
        let units = path.split(separator: "/").filter { $0.hasSuffix(".service") || $0.hasSuffix(".scope") }
        unit = units.first.map { Self.unescaped($0) }
        application = units.dropFirst().last.flatMap { Self.application(ofUnit: $0) }
    }

    /// The names that desktops give, by systemd's rules for them (systemd.io/DESKTOP_ENVIRONMENTS):
    ///
    ///     app[-launcher]-ID-RANDOM.scope    app[-launcher]-ID[@RANDOM].service    snap.NAME.APP…
    private static func application(ofUnit unit: Substring) -> String? {
        let isScope = unit.hasSuffix(".scope")
        let stem = unit.dropLast(isScope ? ".scope".count : ".service".count)
        if stem.hasPrefix("snap.") {
            let words = stem.split(separator: ".", omittingEmptySubsequences: false)
            return words.count > 2 && !words[1].isEmpty ? unescaped(words[1]) : nil
        }
        let name = isScope ? stem : stem.prefix { $0 != "@" }
        var words = name.split(separator: "-", omittingEmptySubsequences: false)[...]
        guard words.popFirst() == "app" else { return nil }
        if isScope, words.popLast() == nil { return nil }
        // An id has no dash of its own: it is escaped.
        guard (1...2).contains(words.count), let id = words.last, !id.isEmpty else { return nil }
        return unescaped(id)
    }

    /// `\x2d` is a dash.
    private static func unescaped(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.first == UInt8(ascii: "x"),
                let code = UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
