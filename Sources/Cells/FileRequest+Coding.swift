// A request as bytes: a tag, then the fields in the order in which the types have them.

extension FileRequest {
    private enum Tag: UInt8 {
        case read, write, edit, list, find, search, info, makeDirectory, move, copy, delete, patch
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        func begin(_ tag: Tag) { writer.integer(tag.rawValue) }
        switch self {
        case .read(let read):
            begin(.read)
            read.write(to: &writer)
        case .write(let write):
            begin(.write)
            write.write(to: &writer)
        case .edit(let edit):
            begin(.edit)
            edit.write(to: &writer)
        case .list(let list):
            begin(.list)
            list.write(to: &writer)
        case .find(let find):
            begin(.find)
            find.write(to: &writer)
        case .search(let search):
            begin(.search)
            search.write(to: &writer)
        case .info(let path):
            begin(.info)
            writer.text(path)
        case .makeDirectory(let make):
            begin(.makeDirectory)
            make.write(to: &writer)
        case .move(let transfer):
            begin(.move)
            transfer.write(to: &writer)
        case .copy(let transfer):
            begin(.copy)
            transfer.write(to: &writer)
        case .delete(let path, let isRecursive):
            begin(.delete)
            writer.text(path)
            writer.flag(isRecursive)
        case .patch(let patch):
            begin(.patch)
            patch.write(to: &writer)
        }
        return writer.bytes
    }

    package init(decoding bytes: ArraySlice<UInt8>) throws(CodingFault) {
        var reader = ByteReader(bytes)
        switch try reader.choice("request", as: Tag.self) {
        case .read: self = .read(try Read(from: &reader))
        case .write: self = .write(try Write(from: &reader))
        case .edit: self = .edit(try Edit(from: &reader))
        case .list: self = .list(try List(from: &reader))
        case .find: self = .find(try Find(from: &reader))
        case .search: self = .search(try Search(from: &reader))
        case .info: self = .info(path: try reader.path("path"))
        case .makeDirectory: self = .makeDirectory(try MakeDirectory(from: &reader))
        case .move: self = .move(try Transfer(from: &reader))
        case .copy: self = .copy(try Transfer(from: &reader))
        case .delete:
            self = .delete(path: try reader.path("path"), isRecursive: try reader.flag("isRecursive"))
        case .patch: self = .patch(try Patch(from: &reader))
        }
        try reader.finish("request")
    }
}
