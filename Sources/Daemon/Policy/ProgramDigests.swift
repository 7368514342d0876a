// The SHA-256 of clients' programs, where a policy asks for it.
//
// celld says which file a program is, and here that file is read with cloisterd's own rights: of a program that not
// everybody may read nothing is known. It is read in small pieces, between which the loop does everything else, and
// once: a file that was not changed since is not read again.

import Audit
import Cells
import EventLoop
import Linux

// Unchecked: touched on the loop's thread only.
final class ProgramDigests: @unchecked Sendable {
    private static let piece = 256 << 10
    private static let longest: UInt64 = 1 << 30
    private static let most = 256

    private let loop: EventLoop
    private let log: Log
    /// What the kernel said of the file when it was read.
    private var known: [ClientIdentity.File: (status: FileStatus, digest: Task<String?, Never>)] = [:]

    init(on loop: EventLoop, log: Log) { (self.loop, self.log) = (loop, log) }

    /// In hexadecimal; `nil` where it cannot be known.
    func digest(of identity: ClientIdentity) async -> String? {
        guard let path = identity.executable, let wanted = identity.executableFile else { return nil }
        do throws(SystemError) {
            let file = try Opened(path)
            let status = try file.fd.status()
            guard status.isFile(wanted), status.size <= Self.longest else { return nil }
            if let found = known[wanted], found.status.isUnchanged(since: status) {
                return await found.digest.value
            }
            if known.count >= Self.most { known = [:] }
            let reading = Task(executorPreference: loop) { [self] in await read(file, status) }
            known[wanted] = (status, reading)
            guard let digest = await reading.value else {
                known[wanted] = nil
                return nil
            }
            return digest
        } catch {
            log.info("the SHA-256 of \(path) is not known: \(error)")
            return nil
        }
    }

    private final class Opened: Sendable {
        let fd: OwnedFD
        init(_ path: String) throws(SystemError) { fd = try File.open(path, [.readOnly, .nonBlocking]) }
    }

    private func read(_ file: Opened, _ before: FileStatus) async -> String? {
        var computation = Digest.Computation()
        var offset: UInt64 = 0
        do {
            while true {
                let bytes = try file.fd.readBytes(Self.piece, at: offset)
                computation.add(bytes.span)
                offset += UInt64(bytes.count)
                if bytes.count < Self.piece { break }
                try await loop.sleep(for: .zero)
            }
            guard offset == before.size, try file.fd.status().isUnchanged(since: before) else { return nil }
            return "\(computation.digest())"
        } catch {
            return nil
        }
    }
}

extension FileStatus {
    fileprivate func isFile(_ file: ClientIdentity.File) -> Bool {
        kind == .regular && identity.device == file.device && identity.inode == file.inode
    }

    /// Its content is what it was: whoever writes to it, or sets its times back, changes the time of the change.
    fileprivate func isUnchanged(since before: FileStatus) -> Bool {
        identity == before.identity && size == before.size && modified == before.modified
            && changed == before.changed
    }
}
