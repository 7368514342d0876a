import Audit

/// Where a daemon keeps what commands look at: the system's, or a standalone one below its directory.
package struct Places: Equatable, Sendable {
    package let root: String?

    package init(root: String?) { self.root = root }

    package var audit: AuditDirectory { AuditDirectory((root ?? "/var/lib/cloister") + "/audit") }
    package var control: String { (root ?? "/run/cloister") + "/control.sock" }
}
