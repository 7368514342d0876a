import JSON
import Linux

/// The daemon that is meant: a standalone one by its control socket, the system's by the bus. Both say the same.
enum DaemonClient {
    case control(ControlClient)
    case bus(BusClient)

    enum List: String {
        case clients, cells, approvals, grants
    }

    init(_ invocation: Invocation) throws(CtlFault) {
        if let control = ControlClient(invocation.places) {
            self = .control(control)
        } else {
            self = .bus(try BusClient())
        }
    }

    func status() throws(CtlFault) -> JSONValue {
        switch self {
        case .control(let control): try control.ask("status")
        case .bus(let bus): try bus.describe("Describe")
        }
    }

    /// Of everybody, or what is whose who asks. A control socket is for administrators alone, and knows everybody's.
    func list(_ list: List, all: Bool) throws(CtlFault) -> JSONValue {
        switch self {
        case .control(let control): try control.ask(list.rawValue)
        case .bus(let bus): try bus.describe(list, all: all)
        }
    }

    func modules() throws(CtlFault) -> JSONValue {
        switch self {
        case .control(let control): try control.ask("modules")
        case .bus(let bus): try bus.describe("DescribeModules")
        }
    }

    /// What came of it.
    func answer(
        _ number: UInt64, digest: String, _ word: String, seconds: Int?
    ) throws(CtlFault) -> JSONValue {
        switch self {
        case .control(let control):
            try control.ask("answer") {
                $0.member("number", number)
                $0.member("digest", digest)
                $0.member("answer", word)
                if let seconds { $0.member("seconds", seconds) }
            }
        case .bus(let bus): try bus.answer(number, digest: digest, word, seconds: seconds ?? 0)
        }
    }

    func revoke(_ number: UInt64) throws(CtlFault) -> JSONValue {
        switch self {
        case .control(let control): try control.ask("revoke") { $0.member("number", number) }
        case .bus(let bus): try bus.revoke(number)
        }
    }

    func reload() throws(CtlFault) {
        switch self {
        case .control(let control): _ = try control.ask("reload")
        case .bus(let bus): try bus.reload()
        }
    }
}

extension Invocation {
    /// Root sees everybody's, and others when they say so.
    var wantsAll: Bool { isGiven("--all") || Process.userID == 0 }
}
