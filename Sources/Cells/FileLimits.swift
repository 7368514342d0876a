/// The most of everything in a request about files and in its answer. Who asks for more is refused; who
/// gets less is told so, and how to get the rest.
package enum FileLimits {
    package static let longestPath = 4095
    package static let longestGlob = 1024
    package static let mostGlobs = 64
    package static let longestPattern = 4096
    package static let mostContext = 20

    /// Bytes that travel in one request or answer.
    package static let mostContent = 8 << 20
    package static let mostReplacements = 256
    package static let mostEntries = 100_000
    package static let mostMatches = 10_000
    package static let mostPatchedFiles = 1000
    /// A relative path in an answer can be longer than what the kernel takes at once.
    package static let longestShownPath = 1 << 20
    package static let longestMessage = 16 << 10

    /// A file that is edited or patched is held in memory.
    package static let mostEdited = 16 << 20
    /// Bytes that are looked through for the number of a line.
    package static let mostScanned: UInt64 = 256 << 20
}
