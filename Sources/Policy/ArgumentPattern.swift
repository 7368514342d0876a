import Patterns

/// A pattern of a command, word by word. `*` is any one word, `**` at the end is all the rest, also none. A program of
/// the system's own directories is meant by its path and by its name alike.
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
            let word = words.isEmpty ? Need.whole(program: text) : text
            words.append(try NamePattern(word.utf8))
        }
        self.words = words
    }

    package func matches(_ command: [String]) -> Bool {
        guard takesRest ? command.count >= words.count : command.count == words.count else { return false }
        guard zip(words, command).dropFirst().allSatisfy({ $0.matches($1) }) else { return false }
        let path = Need.whole(program: command[0])
        return words[0].matches(path) || words[0].matches(Need.plain(program: path))
    }
}

extension NamePattern.Fault {
    static var program: Self { Self("a command begins with a program") }
    static var restInTheMiddle: Self { Self("** stands for the rest of a command, and only at its end") }
}
