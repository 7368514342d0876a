import JSON

/// As much of JSON Schema as our tools' schemas use. A keyword that it does not know is a fault too, so that
/// no schema passes for checked that is not.
enum SchemaChecker {
    /// What is wrong with the value, each with its place.
    static func faults(
        _ value: JSONValue, against schema: JSONValue, at place: String = "$"
    ) -> [String] {
        schema.members.flatMap { keyword, rule -> [String] in
            switch keyword {
            case "title", "description", "default":
                []
            case "enum":
                rule.elements.contains { $0.bytes.elementsEqual(value.bytes) }
                    ? [] : ["\(place) is none of the choices"]
            case "minLength":
                (value.string?.unicodeScalars.count ?? .max) < rule.integer ?? 0
                    ? ["\(place) is too short"] : []
            case "maxLength":
                (value.string?.unicodeScalars.count ?? 0) > rule.integer ?? 0
                    ? ["\(place) is too long"] : []
            case "maximum":
                value.double ?? -.infinity > rule.double ?? 0 ? ["\(place) is too large"] : []
            case "maxProperties":
                Array(value.members).count > rule.integer ?? 0 ? ["\(place) has too many members"] : []
            case "type":
                isOf(rule.string ?? "", value) ? [] : ["\(place) is not of type \(rule.string ?? "?")"]
            case "properties":
                value.members.flatMap { name, member in
                    property(name, of: schema).map {
                        faults(member, against: $0, at: "\(place).\(name)")
                    } ?? []
                }
            case "required":
                rule.elements.compactMap { name in
                    value.members.contains { $0.key == name.string }
                        ? nil : "\(place) has no \(name.string ?? "?")"
                }
            case "additionalProperties" where rule.isObject:
                value.members.filter { property($0.key, of: schema) == nil }
                    .flatMap { faults($0.value, against: rule, at: "\(place).\($0.key)") }
            case "additionalProperties":
                rule.bool != false
                    ? ["\(place): the schema's additionalProperties is not false"]
                    : value.members.filter { property($0.key, of: schema) == nil }
                        .map { "\(place) has \($0.key), which is not known" }
            case "items":
                value.elements.enumerated().flatMap {
                    faults($0.element, against: rule, at: "\(place)[\($0.offset)]")
                }
            case "minItems":
                value.count < rule.integer ?? 0 ? ["\(place) has only \(value.count) items"] : []
            case "maxItems":
                value.count > rule.integer ?? 0 ? ["\(place) has \(value.count) items"] : []
            case "minimum":
                value.double ?? .infinity < rule.double ?? 0 ? ["\(place) is too small"] : []
            default:
                ["\(place): the schema says \(keyword), which this checker does not know"]
            }
        }
    }

    private static func property(_ name: String, of schema: JSONValue) -> JSONValue? {
        schema["properties"]?.members.first { $0.key == name }?.value
    }

    private static func isOf(_ type: String, _ value: JSONValue) -> Bool {
        switch type {
        case "object": value.kind == .object
        case "array": value.kind == .array
        case "string": value.kind == .string
        case "number": value.kind == .number
        case "integer": value.kind == .number && value.double.map { $0 == $0.rounded() } == true
        case "boolean": value.bool != nil
        case "null": value.isNull
        default: false
        }
    }
}
