import Cells
import Linux

/// What the kernel knows about a name; of a symbolic link, about the link.
final class InfoJob: FileJob {
    private let location: Location

    init(_ location: Location) { self.location = location }

    func step() throws(CellFailure) -> FileResult? {
        let place = location.place
        var target: FileName?
        let status: FileStatus
        if location.isPlace {
            status = try location.failing { () throws(SystemError) in try place.directory.fd.status() }
        } else {
            let entry = try location.entry(for: .read)
            status = try location.failing { () throws(SystemError) in
                let status = try entry.directory.fd.status(of: entry.name)
                if status.kind == .symbolicLink { target = try entry.directory.fd.readLink(entry.name) }
                return status
            }
        }
        return .info(
            FileResult.Info(
                kind: status.kind.shown, mode: status.mode, size: status.size, allocated: status.allocated,
                links: status.links, uid: status.uid, gid: status.gid, device: status.identity.device,
                inode: status.identity.inode, accessed: status.accessed, modified: status.modified,
                changed: status.changed, born: status.born, target: target.map { FileResult.Name($0.bytes) },
                place: place.path, isWritablePlace: place.isWritable))
    }
}
