import Audit
import Bus

/// A question that waits for a person.
struct ApprovalObject: BusObject {
    let asked: ApprovalQueue.Waiting
    let administration: Administration
    private var question: Question { asked.question }

    init(_ asked: ApprovalQueue.Waiting, _ administration: Administration) {
        (self.asked, self.administration) = (asked, administration)
    }

    static let interface = BusInterface(
        DBusNames.approval,
        methods: [
            .init("Approve", takes: ["digest": "s", "scope": "s", "seconds": "t"], gives: ["said": "s"]),
            .init("Deny", takes: ["digest": "s"], gives: ["said": "s"]),
        ],
        properties: [
            .init("Number", "t"), .init("Session", "t"), .init("UID", "u"), .init("Via", "s"),
            .init("Executable", "s"), .init("Application", "s"), .init("Claim", "s"), .init("Tool", "s"),
            .init("Arguments", "s"), .init("Needs", "as"), .init("Rule", "s"), .init("Reason", "s"),
            .init("Digest", "s"), .init("SecondsLeft", "t", .silent),
        ])

    var interfaces: [BusInterface] { [Self.interface] }

    private func isOwn(_ call: BusCall) -> Bool { question.asker.uid == call.uid }

    func admit(_ call: BusCall) throws(BusFault) {
        if !isOwn(call) { try call.require(.view) }
    }

    func value(of property: String, in interface: String) -> BusValue {
        let asker = question.asker
        return switch property {
        case "Number": .uint64(asked.number)
        case "Session": .uint64(question.session)
        case "UID": .uint32(asker.uid)
        case "Via": .string(asked.way.rawValue)
        case "Executable": .string(asker.executable ?? "")
        case "Application": .string(asker.application ?? "")
        case "Claim": .string(question.claim ?? "")
        case "Tool": .string(question.tool)
        case "Arguments": .string(BusText.cut(String(decoding: question.arguments, as: UTF8.self)))
        case "Needs": .strings(question.needs.map { "\($0)" })
        case "Rule": .string(question.rule)
        case "Reason": .string(question.reason ?? "")
        case "Digest": .string(question.digest)
        case "SecondsLeft":
            .uint64(UInt64(max(0, Int((asked.deadline - administration.now()) / .seconds(1)))))
        default: preconditionFailure("\(property) is offered and not there")
        }
    }

    func perform(
        _ method: String, of interface: String, for call: BusCall
    ) async throws(BusFault) -> BusAnswer {
        let (digest, scope, seconds) = try argument { () throws(BusError) in
            let digest = try call.message.readString()
            guard method == "Approve" else { return (digest, "deny", UInt64(0)) }
            return (digest, try call.message.readString(), try call.message.readUInt64())
        }
        let answer = try refusing { () throws(Administration.Refusal) in
            let answer = try Administration.answer(scope, seconds: Int64(clamping: seconds))
            guard (answer == .deny) == (method == "Deny") else {
                throw Administration.Refusal("what is approved is approved for once, session, time or always")
            }
            return answer
        }
        // Before anybody is asked whether they may: an answer to something else is none.
        guard digest == question.digest else {
            throw BusFault(
                name: DBusNames.errors + "Refused",
                "question \(asked.number) is about something else than this digest says")
        }
        try call.require(isOwn(call) ? .answerOwn : .manageApprovals, details(scope))
        let said = try refusing { () throws(Administration.Refusal) in
            try administration.give(answer, to: asked.number, digest: digest, by: call.uid)
        }
        return { (reply) throws(BusError) in try reply.append(said) }
    }

    /// For whoever proves that they may: what the answer is about, without characters that disguise.
    private func details(_ scope: String) -> [String: String] {
        let wants = question.needs.map { "\($0)" }.joined(separator: ", ")
        return [
            "number": "\(asked.number)", "answer": scope, "tool": ShownText.plain(question.tool),
            "holder": "uid \(question.asker.uid)", "digest": question.digest,
            "wants": String(ShownText.plain(wants).prefix(2000)),
        ]
    }
}

/// What administration refuses, as an error of the bus.
func refusing<Value>(
    _ body: () throws(Administration.Refusal) -> Value
) throws(BusFault) -> Value {
    do throws(Administration.Refusal) {
        return try body()
    } catch {
        throw BusFault(name: DBusNames.errors + "Refused", error.description)
    }
}
