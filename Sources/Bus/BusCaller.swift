import Linux

/// Somebody on the bus, as the bus knows them: frozen when they connected to it.
// Unchecked: never changed.
package final class BusCaller: @unchecked Sendable {
    package let name: String
    package let uid: UInt32
    package let pid: Int32
    /// The primary one and the others, in no order that says which is which; `nil` where the bus does not tell.
    package let groups: [UInt32]?
    package let label: String?
    /// Of the process that connected, where the bus gives it.
    package let pidfd: OwnedFD?

    /// What GetConnectionCredentials answers. Without a user there is nobody to decide about.
    package init(_ name: String, reading reply: BusMessage) throws(BusError) {
        var uid: UInt32?
        var pid: UInt32?
        var groups: [UInt32]?
        var label: String?
        var pidfd: OwnedFD?
        try reply.readEntries { (key, contents) throws(BusError) in
            switch (key, contents) {
            case ("UnixUserID", "u"): uid = try reply.readUInt32()
            case ("ProcessID", "u"): pid = try reply.readUInt32()
            case ("UnixGroupIDs", "au"): groups = try reply.readUInt32s()
            case ("LinuxSecurityLabel", "ay"):
                let text = try reply.readBytes().prefix { $0 != 0 }
                if !text.isEmpty { label = String(decoding: text, as: UTF8.self) }
            case ("ProcessFD", "h"): pidfd = try reply.readDescriptor()
            default: break
            }
        }
        guard let uid, let pid, let number = Int32(exactly: pid), number > 0 else {
            throw .malformed("the bus does not say who \(name) is")
        }
        (self.name, self.uid, self.pid, self.groups, self.label) = (name, uid, number, groups, label)
        self.pidfd = pidfd
    }
}
