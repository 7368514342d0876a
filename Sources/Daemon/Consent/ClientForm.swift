import Audit
import MCP

/// A question as an application shows it to its user.
enum ClientForm {
    private static let once = "Allow once"
    private static let session = "Allow for this session"
    private static let deny = "Deny"
    private static let mostText = 2000

    static func form(_ question: Question) -> Form {
        var lines = ["The administrator's policy wants you to decide about a call of \(question.tool)."]
        func add(_ name: String, _ value: String?) {
            guard let value else { return }
            let shown = ShownText.plain(value)
            let cut = shown.count > mostText
            lines.append("\(name): \(shown.prefix(mostText))\(cut ? "… (\(shown.count) characters)" : "")")
        }
        add("Program", question.asker.executable ?? question.asker.application ?? "not known for certain")
        for need in question.needs { add("Needs", "\(need)") }
        add("Arguments", String(decoding: question.arguments, as: UTF8.self))
        add("Reason", question.reason)
        add("Rule", question.rule)
        return Form(
            message: lines.joined(separator: "\n"), title: "May it?", choices: [once, session, deny])
    }

    static func answer(_ answer: FormAnswer) -> Answer {
        switch answer {
        case .chosen(once): .allow(.once)
        case .chosen(session): .allow(.session)
        case .chosen, .declined, .dismissed, .malformed: .deny
        }
    }
}
