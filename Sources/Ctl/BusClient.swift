import Bus
import JSON
import Linux

/// The system's daemon, asked on the bus. Where polkit wants somebody to prove who they are, this waits for them.
final class BusClient {
    private static let name = "org.cloister.Cloister1"
    private static let root = "/org/cloister/Cloister1"

    private let bus: WaitingBus
    /// From the first call on about which polkit may ask.
    private lazy var agent = TerminalAgent()

    init() throws(CtlFault) {
        do throws(BusError) {
            bus = try WaitingBus(.ofSystem())
        } catch {
            throw Self.fault(error)
        }
    }

    func describe(_ list: DaemonClient.List, all: Bool) throws(CtlFault) -> JSONValue {
        let member =
            switch list {
            case .clients: "DescribeClients"
            case .cells: "DescribeCells"
            case .approvals: "DescribeApprovals"
            case .grants: "DescribeGrants"
            }
        if all { _ = agent }
        return try describe(member) { (message) throws(BusError) in try message.append(all) }
    }

    func describe(_ member: String, _ write: BusAnswer = { _ in }) throws(CtlFault) -> JSONValue {
        let text = try string(Self.root, "Manager", member, write)
        // As the control socket says it.
        return try Self.json(#"{"ok":true,"# + text.dropFirst())
    }

    func answer(
        _ number: UInt64, digest: String, _ word: String, seconds: Int
    ) throws(CtlFault) -> JSONValue {
        _ = agent
        let said = try string(
            "\(Self.root)/approval/\(number)", "Approval", word == "deny" ? "Deny" : "Approve"
        ) {
            (message) throws(BusError) in
            try message.append(digest)
            guard word != "deny" else { return }
            try message.append(word)
            try message.append(UInt64(seconds))
        }
        return try Self.json(
            String(
                decoding: JSONWriter.bytes {
                    $0.object {
                        $0.member("ok", true)
                        $0.member("said", said)
                    }
                }, as: UTF8.self))
    }

    func revoke(_ number: UInt64) throws(CtlFault) -> JSONValue {
        _ = agent
        _ = try call(Self.root, "Manager", "RevokeGrant") { (message) throws(BusError) in
            try message.append(number)
        }
        return try Self.json(#"{"ok":true}"#)
    }

    func reload() throws(CtlFault) {
        _ = agent
        _ = try call(Self.root, "Manager", "Reload")
    }

    // MARK: Pieces

    private static func json(_ text: String) throws(CtlFault) -> JSONValue {
        do throws(JSONError) {
            return try JSONDocument(Array(text.utf8)).root
        } catch {
            throw .failed("cloisterd answers nonsense: \(error)")
        }
    }

    private func string(
        _ path: String, _ interface: String, _ member: String, _ write: BusAnswer = { _ in }
    ) throws(CtlFault) -> String {
        let reply = try call(path, interface, member, write)
        do throws(BusError) {
            return try reply.readString()
        } catch {
            throw Self.fault(error)
        }
    }

    private func call(
        _ path: String, _ interface: String, _ member: String, _ write: BusAnswer = { _ in }
    ) throws(CtlFault) -> BusMessage {
        let method = BusMethod(Self.name, path, "\(Self.name).\(interface)", member)
        do throws(BusError) {
            return try bus.call(method, interactive: true, write)
        } catch {
            throw Self.fault(error)
        }
    }

    /// What an administrator would want to know, and do.
    private static func fault(_ error: BusError) -> CtlFault {
        let standard = "org.freedesktop.DBus.Error."
        switch error {
        case .refused(let errorName, let message):
            switch errorName {
            case standard + "ServiceUnknown", standard + "NameHasNoOwner",
                _ where errorName.hasPrefix(standard + "Spawn."):
                return .failed(
                    "cloisterd is not running, and the bus cannot start it (\(message)); start it with systemctl enable --now cloisterd.socket, or name a standalone one by --root DIR"
                )
            case standard + "UnknownObject": return .failed("it does not stand (any more): \(message)")
            case standard + "AccessDenied", standard + "InteractiveAuthorizationRequired":
                return .failed("not authorized: \(message)")
            case standard + "NoReply", standard + "Timeout":
                return .failed("cloisterd does not answer: \(message)")
            default: return .failed(message.isEmpty ? errorName : message)
            }
        case .unreachable(let reason):
            return .failed(
                "the system bus cannot be reached (\(reason)); start dbus, or name a standalone daemon by --root DIR"
            )
        default: return .failed("\(error)")
        }
    }
}
