import Linux

/// A directory that the cell has.
package final class Place: Sendable {
    /// Absolute, in the cell's own view, without a slash at its end.
    package let path: String
    package let isWritable: Bool
    let directory: OpenDirectory
    /// What the kernel calls it, where that can be known.
    let root: [UInt8]?

    package init(path: String, directory: consuming OwnedFD, isWritable: Bool) throws(SystemError) {
        (self.path, self.isWritable) = (path, isWritable)
        self.directory = try OpenDirectory(directory)
        root = self.directory.fd.currentPath
    }

    package convenience init(opening path: String, isWritable: Bool) throws(SystemError) {
        try self.init(
            path: path, directory: File.open(path, [.path, .directory]), isWritable: isWritable)
    }
}
