/// Reads long options one after the other: `--name VALUE`, `--name=VALUE`, `--flag`. All of our programs
/// take their command lines apart with it, and complain in the same words.
package struct OptionReader: Sendable {
    package struct Fault: Error, Equatable, CustomStringConvertible, Sendable {
        package let description: String

        package init(_ description: String) {
            self.description = description
        }
    }

    private var rest: ArraySlice<String>
    /// Of the option that is being read.
    package private(set) var name = ""
    private var attached: String?
    /// The whole of what was read last, which may be no option at all.
    package private(set) var argument = ""

    package init(_ arguments: [String]) {
        rest = arguments[...]
    }

    /// The next option's name; `nil` at the end.
    package mutating func next() -> String? {
        guard let argument = rest.popFirst() else { return nil }
        self.argument = argument
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        name = String(parts[0])
        attached = parts.count == 2 ? String(parts[1]) : nil
        return name
    }

    /// Whether what was read last is no option; a lone `-` is none.
    package var isOperand: Bool { !argument.hasPrefix("-") || argument == "-" }

    /// All that has not been read, as it is: what stands behind `--`.
    package mutating func remaining() -> [String] {
        defer { rest = [] }
        return Array(rest)
    }

    /// The option's value, which may not be empty.
    package mutating func value() throws(Fault) -> String {
        guard let value = attached ?? rest.popFirst(), !value.isEmpty else {
            throw Fault("\(name) needs a value")
        }
        return value
    }

    package mutating func number(in range: ClosedRange<Int>) throws(Fault) -> Int {
        let text = try value()
        guard let number = Int(text), range.contains(number) else {
            let bounds = "from \(range.lowerBound) to \(range.upperBound)"
            throw Fault("\(name) takes a number \(bounds), not \"\(text)\"")
        }
        return number
    }

    package mutating func choice(_ words: [String]) throws(Fault) -> String {
        let word = try value()
        guard words.contains(word) else {
            throw Fault("\(name) takes \(words.joined(separator: " or ")), not \"\(word)\"")
        }
        return word
    }

    /// For an option that takes no value.
    package func flag() throws(Fault) {
        if attached != nil { throw Fault("\(name) takes no value") }
    }

    package func unknown() -> Fault { Fault("unknown option \(name)") }
}
