import Linux

/// The file in which grants outlive the daemon: replaced whole, so that no crash leaves half of it.
package struct GrantStore: Sendable {
    private let path: String
    private static let mostBytes = 16 << 20

    private let directory: String

    package init(directory: String) { (self.directory, path) = (directory, directory + "/grants.json") }

    /// A file that makes no sense is an error, and not an empty list: then nobody would know what was lost.
    func read() throws(GrantBook.Fault) -> GrantBook {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File.read(path, limit: Self.mostBytes)
        } catch  where error.errno == .notFound {
            return GrantBook()
        } catch {
            throw GrantBook.Fault(description: "\(error)")
        }
        do throws(GrantBook.Fault) {
            return try GrantBook(decoding: bytes)
        } catch {
            throw GrantBook.Fault(description: "\(path): \(error)")
        }
    }

    func write(_ book: GrantBook) throws(GrantBook.Fault) {
        do throws(SystemError) {
            do throws(SystemError) { try File.makeDirectory(directory, mode: 0o700) } catch
                where error.errno == .exists
            {}
            try File.replace(path, with: book.encoded, mode: 0o600, isSynced: true)
        } catch {
            throw GrantBook.Fault(description: "the grant cannot be written down: \(error)")
        }
    }
}
