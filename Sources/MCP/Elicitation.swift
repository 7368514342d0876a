import JSON

/// How an application can be asked, in the middle of a call, what its user says.
package enum ElicitationSupport: Sendable {
    case none
    /// By a request of ours, while the call waits.
    case byRequest
    /// The call ends, and is made again with the answer.
    case byRetry

    /// Of a client's capabilities. `{}` means forms, as the first revision had nothing else.
    init(_ capabilities: JSONValue?, _ revision: Revision) {
        guard revision.isAtLeast(.v2025_06_18), let elicitation = capabilities?["elicitation"],
            elicitation.isObject, elicitation["form"] != nil || elicitation["url"] == nil
        else {
            self = .none
            return
        }
        self = revision.era == .modern ? .byRetry : .byRequest
    }
}

/// A question with a few answers to choose from, which the application shows to its user.
package struct Form: Sendable, Equatable {
    package let message: String
    package let title: String
    package let choices: [String]

    package init(message: String, title: String, choices: [String]) {
        (self.message, self.title, self.choices) = (message, title, choices)
    }

    static let method: StaticString = "elicitation/create"
    private static let member: StaticString = "answer"

    func writeParameters(to writer: inout JSONWriter) {
        writer.member("message", message)
        writer.object("requestedSchema") { schema in
            schema.member("type", "object")
            schema.object("properties") { properties in
                properties.key(Self.member)
                properties.object { answer in
                    answer.member("type", "string")
                    answer.member("title", title)
                    answer.array("enum") { list in for choice in choices { list.string(choice) } }
                }
            }
            schema.array("required") { $0.string(Self.member.description) }
        }
    }

    /// Whatever is not exactly one of the answers counts as none of them.
    package func answer(_ result: JSONValue?) -> FormAnswer {
        switch result?["action"]?.string {
        case "accept":
            guard let chosen = result?["content"]?[Self.member]?.string, choices.contains(chosen) else {
                return .malformed
            }
            return .chosen(chosen)
        case "decline": return .declined
        case "cancel": return .dismissed
        default: return .malformed
        }
    }
}

package enum FormAnswer: Sendable, Equatable {
    case chosen(String)
    case declined
    /// Without a choice.
    case dismissed
    /// An error, or nothing that answers the form.
    case malformed
}

/// What a modern client sends with a call that it makes again.
package struct RetryInput: Sendable {
    /// As we gave it, or as somebody made it up.
    package let state: String
    private let responses: JSONValue?

    init?(_ params: JSONValue?) throws(ProtocolError) {
        guard let state = params?["requestState"] else { return nil }
        guard let text = state.string else { throw .invalidParams("requestState must be a string") }
        let responses = params?["inputResponses"]
        guard responses == nil || responses?.isObject == true else {
            throw .invalidParams("inputResponses must be an object")
        }
        (self.state, self.responses) = (text, responses)
    }

    static let key: StaticString = "consent"

    /// `nil` when the client has not asked yet.
    package func answer(to form: Form) -> FormAnswer? {
        responses?[Self.key].map { form.answer($0) }
    }
}

/// Asking, in both eras.
extension ServerSession {
    /// What waits for an answer of the client.
    struct Question {
        let number: UInt64
        let form: Form
    }

    /// Legacy: a request of ours, whose answer comes as an effect. False when the call is over, or waits for an answer
    /// already, or its client cannot be asked so.
    package mutating func ask(_ call: CallID, _ form: Form, _ out: inout Outbox) -> Bool {
        guard elicitation == .byRequest, let current = inFlight[call], current.question == nil else {
            return false
        }
        lastQuestion += 1
        inFlight[call]?.question = Question(number: lastQuestion, form: form)
        callsByQuestion[lastQuestion] = call
        send(&out) { [lastQuestion] line in
            line.object {
                $0.member("jsonrpc", "2.0")
                $0.member("id", lastQuestion)
                $0.key("method")
                $0.string(Form.method.description)
                $0.object("params") { form.writeParameters(to: &$0) }
            }
        }
        return true
    }

    mutating func receiveAnswer(_ id: RequestID, _ result: JSONValue?, _ out: inout Outbox) {
        guard let number = id.value.integer.flatMap({ UInt64(exactly: $0) }),
            let call = callsByQuestion.removeValue(forKey: number),
            let question = inFlight[call]?.question
        else { return }
        inFlight[call]?.question = nil
        out.effects.append(.answered(call, question.form.answer(result)))
    }

    /// Nobody waits for the answer any more.
    package mutating func withdrawQuestion(of call: CallID, _ out: inout Outbox) {
        guard let question = inFlight[call]?.question else { return }
        inFlight[call]?.question = nil
        callsByQuestion[question.number] = nil
        notify("notifications/cancelled", &out) { $0.member("requestId", question.number) }
    }

    /// Modern: the call is over, and the client may make it again with the answer and this state.
    package mutating func requireInput(
        _ call: CallID, _ form: Form, state: String, _ out: inout Outbox
    ) {
        guard let finished = forget(call) else { return }
        answer(finished.request, finished.revision, batch: nil, &out, type: .inputRequired) { result in
            result.object("inputRequests") { requests in
                requests.key(RetryInput.key)
                requests.object {
                    $0.key("method")
                    $0.string(Form.method.description)
                    $0.object("params") { form.writeParameters(to: &$0) }
                }
            }
            result.member("requestState", state)
        }
    }
}

extension ProtocolError {
    /// There is no other way than to ask, and this client cannot be asked.
    package static func clientCannotBeAsked(_ message: String) -> ProtocolError {
        ProtocolError(
            .missingClientCapability, message,
            data: JSONWriter.bytes {
                $0.object {
                    $0.object("requiredCapabilities") { $0.object("elicitation") { $0.object("form") } }
                }
            })
    }
}
