import JSON

/// A call's arguments, read strictly: a member that the tool does not know is an error that names it,
/// for a misspelt option must not pass for an absent one.
package struct Arguments: Sendable {
    package struct Fault: Error, Equatable, CustomStringConvertible {
        package let description: String

        init(_ description: String) { self.description = description }

        init(_ name: String, is value: JSONValue, expected: String) {
            self.init("argument \"\(name)\" is \(Self.shown(value)), and has to be \(expected)")
        }

        /// The value as it was sent, or its beginning.
        private static func shown(_ value: JSONValue) -> String {
            let most = 60
            let text = String(decoding: value.bytes, as: UTF8.self)
            return value.bytes.count <= most ? text : "\(text.prefix(most))… (\(value.bytes.count) bytes)"
        }
    }

    private let value: JSONValue?
    /// Where they stand in the call: empty, or such as `edits[2].`.
    private let place: String

    package init(_ value: JSONValue?, known names: Set<String>) throws(Fault) {
        try self.init(value, known: names, at: "")
    }

    init(_ value: JSONValue?, known names: Set<String>, at place: String) throws(Fault) {
        (self.value, self.place) = (value, place)
        for member in value?.members.map(\.key) ?? [] where !names.contains(member) {
            let known = names.isEmpty ? "it takes none" : names.sorted().joined(separator: ", ")
            throw Fault("unknown argument \"\(place)\(member)\" (known: \(known))")
        }
    }

    init(_ value: JSONValue?, known members: [Schema.Member], at place: String = "") throws(Fault) {
        try self.init(value, known: Set(members.map(\.name.description)), at: place)
    }

    package subscript(_ name: StaticString) -> JSONValue? { value?[name] }

    func optional<Value>(_ parameter: Parameter<Value>) throws(Fault) -> Value? {
        guard let value = self[parameter.name] else { return nil }
        return try parameter.read(value, "\(place)\(parameter.name)")
    }

    /// What was given, or else the default, or else a fault.
    func required<Value>(_ parameter: Parameter<Value>) throws(Fault) -> Value {
        if let value = try optional(parameter) ?? parameter.default { return value }
        throw Fault(
            "argument \"\(place)\(parameter.name)\" is missing, and has to be \(parameter.expected)")
    }
}
