/// What entries of one kind are found by in the journal (`journalctl MESSAGE_ID=…`), and what the message catalogue,
/// packaging/cloister.catalog, explains them by. Made once with `systemd-id128 new`; they never change.
package enum MessageID {
    package static func of(_ kind: AuditRecord.Kind) -> String {
        switch kind {
        case .start: "de5323b4ce5f4b19873cdac3a707f648"
        case .stop: "48433b716d2e48f389c77950ca0a1c09"
        case .session: "1f7beffd512c420a91bad120fa0c0189"
        case .call: "9ed1be54c70342ef8058b80af5ca9088"
        case .consent: "fb8c3ef79c46430abc918f3d3c595fbf"
        case .policy: "f2b157cd2dc44498b7fb4effb7541b30"
        case .admin: "f3cca61a19474be99438f8f79592b3d0"
        case .checkpoint: "46b35f6b17c945a290c8896c522c1db8"
        }
    }
}
