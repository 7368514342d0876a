import Patterns
import YAML

/// One value of a file on its way to a type. Every method either gives what the schema says or throws where and why.
struct Field {
    let node: YAMLNode
    let file: String
    /// What it is called there.
    let name: String

    func fault(_ problem: String) -> PolicyFault { PolicyFault(file, node.place, problem) }

    // MARK: Shapes

    /// The members of a mapping, none of which is unknown.
    func members(_ known: [String]) throws(PolicyFault) -> Members {
        guard case .map(let members) = node.content else {
            throw fault("\(name) is a mapping, and not \(node.kind)")
        }
        for member in members where !known.contains(member.key) {
            throw PolicyFault(
                file, member.place,
                "\(member.key) is not known in \(name); known are \(known.joined(separator: ", "))")
        }
        return Members(members: members, file: file)
    }

    /// A mapping whose keys are names that its writer chose.
    func entries() throws(PolicyFault) -> [(key: String, place: TextPlace, field: Field)] {
        guard case .map(let members) = node.content else {
            throw fault("\(name) is a mapping, and not \(node.kind)")
        }
        return members.map { ($0.key, $0.place, Field(node: $0.value, file: file, name: $0.key)) }
    }

    func list() throws(PolicyFault) -> [Field] {
        guard case .list(let elements) = node.content else {
            throw fault("\(name) is a list, and not \(node.kind)")
        }
        return elements.map { Field(node: $0, file: file, name: name) }
    }

    /// A list, or one word that stands for a list of one. An empty list would say something that nobody means.
    func oneOrMore() throws(PolicyFault) -> [Field] {
        guard case .list(let elements) = node.content else { return [self] }
        guard !elements.isEmpty else { throw fault("\(name) is an empty list; leave it out instead") }
        return elements.map { Field(node: $0, file: file, name: name) }
    }

    // MARK: Words

    func text() throws(PolicyFault) -> String {
        guard case .scalar(let text) = node.content else {
            throw fault("\(name) is a word, and not \(node.kind)")
        }
        guard !text.isEmpty else { throw fault("\(name) has no value") }
        guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }) else {
            throw fault("\(name) has a control character in it")
        }
        return text
    }

    func choice<Choice: RawRepresentable & CaseIterable>(
        _ type: Choice.Type
    ) throws(PolicyFault) -> Choice where Choice.RawValue == String {
        let text = try text()
        guard let choice = Choice(rawValue: text) else {
            let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw fault("\(name) is one of \(words), and not \(text)")
        }
        return choice
    }

    func flag() throws(PolicyFault) -> Bool {
        switch try text() {
        case "true", "yes": return true
        case "false", "no": return false
        case let other: throw fault("\(name) is yes or no, and not \(other)")
        }
    }

    // MARK: Numbers

    func integer(_ range: ClosedRange<UInt64>) throws(PolicyFault) -> UInt64 {
        let text = try text()
        guard let number = UInt64(text), range.contains(number) else {
            throw fault(
                "\(name) is a number from \(range.lowerBound) to \(range.upperBound), and not \(text)")
        }
        return number
    }

    private func measured(
        _ units: [(String, UInt64)], _ range: ClosedRange<UInt64>, _ example: String
    ) throws(PolicyFault) -> UInt64 {
        let text = try text()
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text[digits.endIndex...].drop { $0 == " " }
        guard let number = UInt64(digits), let factor = units.first(where: { $0.0 == unit })?.1 else {
            let known = units.map(\.0).filter { !$0.isEmpty }.joined(separator: ", ")
            throw fault("\(name) is a number with one of \(known), such as \(example), and not \(text)")
        }
        let (value, overflows) = number.multipliedReportingOverflow(by: factor)
        guard !overflows, range.contains(value) else {
            throw fault("\(name) is \(text), which is beyond what can be meant")
        }
        return value
    }

    func size(_ range: ClosedRange<UInt64>) throws(PolicyFault) -> UInt64 {
        try measured(
            [("", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)], range, "512MiB"
        )
    }

    func seconds(_ range: ClosedRange<UInt64>) throws(PolicyFault) -> UInt64 {
        try measured([("s", 1), ("min", 60), ("h", 3600), ("d", 86_400)], range, "10min")
    }

    func percent(_ range: ClosedRange<UInt64>) throws(PolicyFault) -> UInt64 {
        try measured([("%", 1)], range, "150%")
    }

    /// `120/min`
    func rate() throws(PolicyFault) -> CallRate {
        let text = try text()
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let units: [Substring: Int] = ["s": 1, "min": 60, "h": 3600, "d": 86_400]
        guard parts.count == 2, let count = Int(parts[0]), (1...1_000_000).contains(count),
            let seconds = units[parts[1]]
        else {
            throw fault("\(name) is a number of calls in s, min, h or d, such as 30/min, and not \(text)")
        }
        return CallRate(count: count, seconds: seconds)
    }

    // MARK: Patterns

    func namePattern() throws(PolicyFault) -> NamePattern {
        let text = try text()
        do throws(NamePattern.Fault) {
            return try NamePattern(text.utf8)
        } catch {
            throw fault("the pattern \(text) is wrong: \(error)")
        }
    }

    func pathPatterns() throws(PolicyFault) -> [PathPattern] {
        let text = try text()
        do throws(NamePattern.Fault) {
            return try PathPattern.patterns(text)
        } catch {
            throw fault("the pattern \(text) is wrong: \(error)")
        }
    }
}

struct Members {
    let members: [YAMLNode.Member]
    let file: String

    subscript(key: String) -> Field? {
        members.first { $0.key == key }.map { Field(node: $0.value, file: file, name: key) }
    }

    func place(of key: String) -> TextPlace? { members.first { $0.key == key }?.place }
}
