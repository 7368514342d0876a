import JSON
import MCP

/// A JSON Schema in the making. Objects take what they name and nothing else; no `oneOf` and its like, which
/// several clients' model interfaces do not take.
struct Schema: Sendable {
    /// One value of JSON.
    let json: [UInt8]

    private init(
        _ type: String, _ description: String, _ keywords: (inout JSONWriter) -> Void = { _ in }
    ) {
        json = JSONWriter.bytes { writer in
            writer.object {
                $0.member("type", type)
                if !description.isEmpty { $0.member("description", description) }
                keywords(&$0)
            }
        }
    }

    static func string(
        _ description: String = "", shortest: Int = 0, longest: Int? = nil, choices: [String] = [],
        default: String? = nil
    ) -> Schema {
        Schema("string", description) { schema in
            if shortest > 0 { schema.member("minLength", shortest) }
            if let longest { schema.member("maxLength", longest) }
            if !choices.isEmpty { schema.array("enum") { for choice in choices { $0.string(choice) } } }
            schema.optionalMember("default", `default`)
        }
    }

    static func integer(
        _ description: String = "", _ range: ClosedRange<Int>? = nil, default: Int? = nil
    ) -> Schema {
        Schema("integer", description) { schema in
            if let range {
                schema.member("minimum", range.lowerBound)
                schema.member("maximum", range.upperBound)
            }
            if let `default` { schema.member("default", `default`) }
        }
    }

    /// What is counted.
    static func count(_ description: String = "") -> Schema {
        Schema("integer", description) { $0.member("minimum", 0) }
    }

    static func number(_ description: String = "") -> Schema {
        Schema("number", description) { $0.member("minimum", 0) }
    }

    static func boolean(_ description: String = "", default: Bool? = nil) -> Schema {
        Schema("boolean", description) { schema in
            if let `default` { schema.member("default", `default`) }
        }
    }

    static func array(
        _ description: String = "", of items: Schema, least: Int = 0, most: Int? = nil
    ) -> Schema {
        Schema("array", description) { schema in
            schema.key("items")
            schema.written(items.json)
            if least > 0 { schema.member("minItems", least) }
            if let most { schema.member("maxItems", most) }
        }
    }

    /// An object whose members have any names.
    static func map(_ description: String, of values: Schema, most: Int) -> Schema {
        Schema("object", description) { schema in
            schema.key("additionalProperties")
            schema.written(values.json)
            schema.member("maxProperties", most)
        }
    }

    struct Member: Sendable {
        let name: StaticString
        let schema: Schema
        let isRequired: Bool

        static func required(_ name: StaticString, _ schema: Schema) -> Member {
            Member(name: name, schema: schema, isRequired: true)
        }

        static func optional(_ name: StaticString, _ schema: Schema) -> Member {
            Member(name: name, schema: schema, isRequired: false)
        }
    }

    static func object(_ members: [Member]) -> Schema {
        Schema("object", "") { schema in
            schema.object("properties") { properties in
                for member in members {
                    properties.key(member.name)
                    properties.written(member.schema.json)
                }
            }
            let required = members.filter(\.isRequired)
            if !required.isEmpty {
                schema.array("required") { for member in required { $0.string(member.name.description) } }
            }
            schema.member("additionalProperties", false)
        }
    }

    var document: JSONDocument {
        do throws(JSONError) {
            return try JSONDocument(json)
        } catch {
            preconditionFailure("a schema that is not JSON: \(error)")
        }
    }
}

extension Tool {
    /// A tool that works in a client's cell, which has no network: its world is closed.
    init(
        cell name: String, title: String, description: String, parameters: [Schema.Member],
        result: [Schema.Member], readOnly: Bool, destructive: Bool, idempotent: Bool
    ) {
        self.init(
            name: name, title: title, description: description,
            inputSchema: Schema.object(parameters).document, outputSchema: Schema.object(result).document,
            annotations: Annotations(
                readOnly: readOnly, destructive: destructive, idempotent: idempotent, openWorld: false))
    }
}
