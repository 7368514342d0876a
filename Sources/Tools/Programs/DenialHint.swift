/// What a program says when the kernel has refused it something, and which wall of its cell may have been the
/// reason. A program's words are all that there is: the kernel tells nobody else. So this is said only of programs
/// that failed, and as what may be.
enum DenialHint {
    private struct Hint {
        let words: [String]
        let explanation: String
    }

    private static let hints = [
        Hint(
            words: ["Read-only file system"],
            explanation: """
                only /workspace, /tmp and trees that were granted writable can be written (wall fileview); an \
                administrator can grant more
                """),
        Hint(
            words: [
                "Network is unreachable", "Could not resolve", "name resolution", "Name or service not known",
            ],
            explanation: "a cell has no network but its own loopback (wall netns)"),
        Hint(
            words: ["No space left on device", "Disk quota exceeded"],
            explanation: """
                the workspace and /tmp are of limited size (wall workspace); remove something, or let an administrator \
                raise the limit
                """),
        Hint(
            words: ["File too large"],
            explanation: "a file may not grow beyond this cell's limit (wall rlimits)"),
        Hint(
            words: ["Too many open files"],
            explanation: "a program may not have more files open in this cell (wall rlimits)"),
        Hint(
            words: [
                "fork: Resource temporarily unavailable", "fork: retry", "Resource temporarily unavailable",
            ],
            explanation: "the cell has as many processes as it may (walls cgroup and rlimits)"),
        Hint(
            words: ["Cannot allocate memory", "MemoryError", "out of memory"],
            explanation: "the cell's memory is limited (wall cgroup)"),
        Hint(
            words: [
                "Function not implemented", "Operation not permitted", "must be superuser", "must be root",
            ],
            explanation: """
                nobody is root in a cell, and calls that change the machine are refused (walls capabilities and \
                seccomp); nothing allows them
                """),
        Hint(
            words: ["Permission denied"],
            explanation: """
                what is not the user's own is refused as anywhere, and Landlock allows what the cell was given and no \
                more (wall landlock)
                """),
    ]

    /// The words are looked for as bytes: a megabyte of output is looked through for each.
    static func of(_ standardError: String) -> String? {
        let text = Array(standardError.utf8.suffix(16 << 10))
        for hint in hints where hint.words.contains(where: { contains(text, Array($0.utf8)) }) {
            return "[if a wall of the cell was the reason: \(hint.explanation)]"
        }
        return nil
    }

    private static func contains(_ text: [UInt8], _ words: [UInt8]) -> Bool {
        guard text.count >= words.count else { return false }
        return (0...(text.count - words.count)).contains { start in
            text[start] == words[0] && text[start..<(start + words.count)].elementsEqual(words)
        }
    }
}
