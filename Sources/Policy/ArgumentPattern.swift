import Patterns

/// A pattern of a command, word by word. `*` is any one word, `**` at the end is all the rest, also none.
package struct ArgumentPattern: Hashable, Sendable {
    let words: [NamePattern]
    let takesRest: Bool

    package init(_ texts: [String]) throws(NamePattern.Fault) {
        takesRest = texts.last == "**"
        let named = takesRest ? texts.dropLast() : texts[...]
        guard !named.isEmpty else { throw .program }
        var words: [NamePattern] = []
        for text in named {
            guard text != "**" else { throw .restInTheMiddle }
            words.append(try NamePattern(text.utf8))
        }
        self.words = words
    }

    package func matches(_ command: [String]) -> Bool {
        guard takesRest ? command.count >= words.count : command.count == words.count else { return false }
        return zip(words, command).allSatisfy { $0.matches($1) }
    }
}

extension NamePattern.Fault {
    static var program: Self { Self("a command begins with a program") }
    static var restInTheMiddle: Self { Self("** stands for the rest of a command, and only at its end") }
}
