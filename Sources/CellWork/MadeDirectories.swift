/// Directories that were made on the way to a file, which go again when the file does not come about.
final class MadeDirectories {
    private var entries: [Location.Entry] = []

    func add(_ entry: Location.Entry) { entries.append(entry) }

    func keep() { entries = [] }

    /// Those that nobody else has put something into.
    func remove() {
        for entry in entries.reversed() { try? entry.directory.fd.removeDirectory(entry.name) }
        entries = []
    }
}
