/// The application that a record is about, as the kernel and the system's own files say.
package struct AuditClient: Equatable, Sendable {
    package var session: UInt64
    package var uid: UInt32
    package var user: String?
    package var pid: Int32
    package var executable: String?
    package var unit: String?
    package var application: String?
    package var label: String?
    package var claims = Claims()

    /// What it says of itself, which nobody has verified.
    package struct Claims: Equatable, Sendable {
        /// `cloister-bridge --client`
        package var bridge: String?
        /// `clientInfo.name`
        package var name: String?
        package var version: String?

        package init(bridge: String? = nil, name: String? = nil, version: String? = nil) {
            (self.bridge, self.name, self.version) = (bridge, name, version)
        }
    }

    package init(session: UInt64, uid: UInt32, pid: Int32) {
        (self.session, self.uid, self.pid) = (session, uid, pid)
    }

    func describe(to fields: inout some RecordFields) {
        fields.group("client") { fields in
            fields.number("session", session)
            fields.number("uid", uid)
            fields.optional("user", user)
            fields.number("pid", pid)
            fields.optional("executable", executable)
            fields.optional("unit", unit)
            fields.optional("application", application)
            fields.optional("label", label)
        }
        guard claims != Claims() else { return }
        fields.group("claims") { fields in
            fields.optional("bridge", claims.bridge)
            fields.optional("name", claims.name)
            fields.optional("version", claims.version)
        }
    }
}
