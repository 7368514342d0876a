import Linux

/// An application that connected: what the kernel says of it, and what it says of itself.
package final class Client: Sendable {
    package let credentials: PeerCredentials
    /// Opened per connection; appears in the log and later in every audit record.
    package let session: UInt64

    package init(_ credentials: consuming PeerCredentials, session: UInt64) {
        self.credentials = credentials
        self.session = session
    }

    package var description: String {
        var text = "session \(session) (uid \(credentials.uid), pid \(credentials.pid)"
        if let label = credentials.label { text += ", label \(label)" }
        return text + ")"
    }
}
