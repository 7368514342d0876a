import Audit
import Policy

/// What a person is shown, by the names that the messages of polkit/org.cloister.Cloister1.policy use. The client chose
/// much of it, so nothing of it can command a terminal or turn the direction of writing, and all of it is bounded. What
/// it says of itself is not among it: in the middle of a sentence it could say anything.
struct PolkitDetails {
    let entries: [(String, String)]

    private static let mostWants = 2000
    private static let mostArguments = 1000
    private static let mostOther = 300

    /// About those needs of the question that are one action's. `nil` when they are too long to be shown whole: nobody
    /// can allow what they do not see.
    init?(_ question: Question, about needs: [Need]) {
        let wants = needs.map { ShownText.plain($0.shownObject) }.joined(separator: ", ")
        guard wants.unicodeScalars.count <= Self.mostWants else { return nil }
        entries = [
            ("client", Self.cut(Self.client(question.asker), Self.mostOther)),
            ("tool", Self.cut(question.tool, Self.mostOther)),
            ("wants", wants),
            ("arguments", Self.arguments(question)),
            ("rule", Self.cut(question.rule, Self.mostOther)),
            ("reason", Self.cut(question.reason ?? "no reason is given", Self.mostOther)),
        ]
    }

    private static func client(_ asker: Asker) -> String {
        var text = asker.executable ?? asker.application ?? "a program that nobody can vouch for"
        if let unit = asker.unit { text += " (\(unit))" }
        return text + " of uid \(asker.uid)"
    }

    /// As they were sent. Where they are cut, that is said, with how long they are and what they are digested to.
    private static func arguments(_ question: Question) -> String {
        let text = String(decoding: ShownText.json(question.arguments), as: UTF8.self)
        let shown = cut(text, mostArguments)
        return shown == text
            ? text
            : "\(shown) (\(question.arguments.count) bytes in all; the call's digest is \(question.digest))"
    }

    private static func cut(_ text: String, _ most: Int) -> String {
        let shown = ShownText.plain(text)
        guard shown.unicodeScalars.count > most else { return shown }
        return String(String.UnicodeScalarView(shown.unicodeScalars.prefix(most))) + "…"
    }
}
