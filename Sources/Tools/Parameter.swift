import Cells
import JSON

/// One argument of a tool: what its schema says and how a call's value is read, side by side, so that neither
/// promises what the other refuses.
struct Parameter<Value: Sendable>: Sendable {
    typealias Read = @Sendable (JSONValue, String) throws(Arguments.Fault) -> Value

    let name: StaticString
    let schema: Schema
    /// What a right value is, for who sent a wrong one.
    let expected: String
    let `default`: Value?
    /// The value, and the name of its place in the call.
    let read: Read

    init(
        _ name: StaticString, _ schema: Schema, expected: String, default: Value? = nil,
        read: @escaping Read
    ) {
        (self.name, self.schema, self.expected) = (name, schema, expected)
        (self.default, self.read) = (`default`, read)
    }

    /// Where `value` says whether the value is right.
    init(
        _ name: StaticString, _ schema: Schema, expected: String, default: Value? = nil,
        value: @escaping @Sendable (JSONValue) -> Value?
    ) {
        self.init(name, schema, expected: expected, default: `default`) {
            (json, place) throws(Arguments.Fault) in
            guard let value = value(json) else {
                throw Arguments.Fault(place, is: json, expected: expected)
            }
            return value
        }
    }

    var required: Schema.Member { .required(name, schema) }
    var optional: Schema.Member { .optional(name, schema) }
}

extension Parameter where Value == String {
    /// Limits are in bytes of UTF-8. A NUL ends what the kernel sees of a text, and so is refused wherever a
    /// text goes there.
    static func text(
        _ name: StaticString, _ description: String, shortest: Int = 0, longest: Int,
        allowsNUL: Bool = false, called noun: String = "a string"
    ) -> Parameter {
        let limit = shortest > 0 ? "of \(shortest) to \(longest) bytes" : "of at most \(longest) bytes"
        return Parameter(
            name, .string(description, shortest: shortest, longest: longest),
            expected: "\(noun) \(limit)" + (allowsNUL ? "" : " without NUL")
        ) { json in
            guard json.kind == .string, (shortest...longest).contains(json.textBytes.count) else {
                return nil
            }
            if !allowsNUL, json.textBytes.contains(0) { return nil }
            return json.string
        }
    }

    static func path(_ name: StaticString, _ description: String) -> Parameter {
        text(
            name, description + " Absolute, or relative to /workspace.", shortest: 1,
            longest: FileLimits.longestPath, called: "a path")
    }

    static func choice(
        _ name: StaticString, _ description: String, of choices: [String], default: String? = nil
    ) -> Parameter {
        Parameter(
            name, .string(description, choices: choices, default: `default`),
            expected: "one of " + choices.map { "\"\($0)\"" }.joined(separator: ", "), default: `default`
        ) { json in json.string.flatMap { choices.contains($0) ? $0 : nil } }
    }
}

extension Parameter where Value == Int {
    /// What every client's numbers can hold.
    static var largest: Int { 1 << 53 - 1 }

    static func integer(
        _ name: StaticString, _ description: String, _ range: ClosedRange<Int>, default: Int? = nil
    ) -> Parameter {
        Parameter(
            name, .integer(description, range, default: `default`),
            expected: "an integer from \(range.lowerBound) to \(range.upperBound)", default: `default`
        ) { json in
            // 5.0 is an integer to JSON Schema.
            let number = json.integer.map { Int($0) } ?? json.double.flatMap { Int(exactly: $0) }
            return number.flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension Parameter where Value == Bool {
    static func flag(_ name: StaticString, _ description: String, default: Bool = false) -> Parameter {
        Parameter(
            name, .boolean(description, default: `default`), expected: "true or false", default: `default`
        ) { $0.bool }
    }
}

extension Parameter where Value == [String] {
    static func list(
        _ name: StaticString, _ description: String, least: Int = 0, most: Int, of element: Parameter<String>
    ) -> Parameter {
        let expected = "an array of \(least) to \(most) strings"
        return Parameter(
            name, .array(description, of: element.schema, least: least, most: most), expected: expected
        ) { (json, place) throws(Arguments.Fault) in
            guard json.kind == .array, (least...most).contains(json.count) else {
                throw Arguments.Fault(place, is: json, expected: expected)
            }
            var texts: [String] = []
            for value in json.elements {
                texts.append(try element.read(value, "\(place)[\(texts.count)]"))
            }
            return texts
        }
    }

    /// What a tool that goes through a tree leaves out.
    static var ignored: Parameter {
        list(
            "ignore",
            "Globs of what to leave out, with all that is in it: by name, or by path if they have a /.",
            most: FileLimits.mostGlobs,
            of: .text(
                "", "A glob, such as node_modules or **/*.o", shortest: 1, longest: FileLimits.longestGlob,
                called: "a glob"))
    }
}

extension Parameter where Value == UInt16 {
    static func mode(_ name: StaticString, _ description: String) -> Parameter {
        Parameter(
            name, .string(description, shortest: 3, longest: 4),
            expected: "permission bits in octal, from \"000\" to \"777\""
        ) { json in
            guard let text = json.string, (3...4).contains(text.utf8.count),
                text.utf8.allSatisfy({ (0x30...0x37).contains($0) })
            else { return nil }
            return UInt16(text, radix: 8).flatMap { $0 <= 0o777 ? $0 : nil }
        }
    }
}
