import Linux
import Policy

extension ClientFacts {
    /// What the kernel says of a client, in policy's words.
    package init(_ client: Client, _ names: AccountNames = AccountNames()) {
        let (uid, gid) = (client.credentials.uid, client.credentials.gid)
        let account = names.user(uid)
        self.init(uid: uid, user: account?.name, home: account?.home)
        for group in [gid] + client.credentials.groups {
            groups.insert("\(group)")
            if let name = names.group(group) { groups.insert(name) }
        }
        if let path = client.identity.controlGroup {
            let place = ControlGroupPlace(path: path)
            (unit, application) = (place.unit, place.application)
        }
        (executable, parent) = (client.identity.executable, client.identity.parentExecutable)
        digest = client.digest
        label = client.credentials.label
        transport = client.busName == nil ? .socket : .bus
    }
}
