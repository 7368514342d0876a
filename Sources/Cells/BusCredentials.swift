/// What `cloister-busid` tells celld of somebody on the bus: what the bus says of them, in a fixed layout. A descriptor of
/// their process comes along where the bus gives one.
package struct BusCredentials: Equatable, Sendable {
    package var uid: UInt32
    package var pid: UInt32
    package var groups: [UInt32]

    package static let mostGroups = 16 << 10

    package init(uid: UInt32, pid: UInt32, groups: [UInt32]) {
        (self.uid, self.pid, self.groups) = (uid, pid, groups)
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.integer(uid)
        writer.integer(pid)
        writer.list(groups) { (writer, group) in writer.integer(group) }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(CodingFault) {
        var reader = ByteReader(bytes[...])
        uid = try reader.integer("uid")
        pid = try reader.integer("pid", in: 1...UInt32(Int32.max))
        groups = try reader.list("groups", most: Self.mostGroups) { (reader) throws(CodingFault) in
            try reader.integer("group")
        }
        try reader.finish("credentials")
    }
}

/// A connection's own name on the bus, as the bus gives it: `:1.42`. Nothing else is one, so that no other word ever
/// stands where a name is meant.
package enum UniqueName {
    package static let longest = 64

    package static func isOne(_ text: String) -> Bool {
        let words = text.dropFirst().split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= longest && text.hasPrefix(":") && words.count == 2
            && words.allSatisfy { word in
                !word.isEmpty && word.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            }
    }
}
