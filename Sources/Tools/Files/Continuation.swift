import Cells

/// Where a list goes on: the last path that was given, relative to what was asked for. A path that is not UTF-8
/// goes through JSON as base64.
enum Continuation {
    private static let prefix = "base64:"

    static let parameter = Parameter<[UInt8]>(
        "after",
        .string(
            "Continue behind this path: the `after` of an answer that was cut.", shortest: 1,
            longest: FileLimits.longestShownPath),
        expected: "the `after` of an answer that was cut"
    ) { json in
        guard let text = json.string, (1...FileLimits.longestShownPath).contains(text.utf8.count) else {
            return nil
        }
        guard text.hasPrefix(prefix) else { return Array(text.utf8) }
        return Base64.decode(text.utf8.dropFirst(prefix.utf8.count))
    }

    static func text(_ path: [UInt8]) -> String {
        if let text = String(validating: path, as: UTF8.self), !text.hasPrefix(prefix) { return text }
        return prefix + Base64.encode(path)
    }
}
