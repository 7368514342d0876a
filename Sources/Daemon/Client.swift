import Cells
import Linux

/// An application that connected, as the kernel knows it.
package final class Client: Sendable {
    package let credentials: PeerCredentials
    /// What celld sees of its process.
    package let identity: ClientIdentity
    /// The SHA-256 of its program, where policy asks for that when it connects.
    package let digest: String?
    /// Opened per connection; appears in the log and later in every audit record.
    package let session: UInt64
    /// Its unique name, where it came over the bus.
    package let busName: String?

    package init(
        _ credentials: consuming PeerCredentials, _ identity: ClientIdentity = ClientIdentity(),
        digest: String? = nil, session: UInt64, busName: String? = nil
    ) {
        self.busName = busName
        self.credentials = credentials
        self.identity = identity
        self.digest = digest
        self.session = session
    }

    package var description: String {
        var text = "session \(session) (uid \(credentials.uid), pid \(credentials.pid)"
        if let label = credentials.label { text += ", label \(label)" }
        return text + ")"
    }
}
