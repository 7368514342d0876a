import JSON

/// A call's arguments, read strictly: a member that the tool does not know is an error that names it,
/// for a misspelt option must not pass for an absent one.
package struct Arguments: Sendable {
    package struct Fault: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    private let value: JSONValue?

    package init(_ value: JSONValue?, known names: Set<String>) throws(Fault) {
        self.value = value
        for member in value?.members.map(\.key) ?? [] where !names.contains(member) {
            let known = names.isEmpty ? "it takes none" : names.sorted().joined(separator: ", ")
            throw Fault(description: "unknown argument \"\(member)\" (known: \(known))")
        }
    }

    package subscript(_ name: StaticString) -> JSONValue? { value?[name] }
}
