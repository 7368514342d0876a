import JSON
import Testing

@testable import Tools

/// What holds for every tool.
struct BuiltInToolsTests {
    private static let names = [
        "apply_patch", "copy_file", "delete_file", "edit_file", "file_info", "find_files", "list_directory",
        "list_processes", "make_directory", "move_file", "process_input", "process_output", "read_file",
        "run_code", "run_command", "run_system_command", "search_files", "start_process", "stop_process",
        "system_info",
        "write_file",
    ]

    @Test func `all tools are there, each once`() {
        #expect(TestedTools.all.map(\.tool.name).sorted() == Self.names)
        #expect(BuiltInTools.all().map(\.tool.name).sorted() == Self.names)
    }

    @Test(arguments: names)
    func `a tool describes itself and each of its arguments`(name: String) throws {
        let tool = try TestedTools.named(name).tool
        #expect(!tool.title.isEmpty)
        #expect(tool.description.count > 40)
        #expect(tool.inputSchema["additionalProperties"]?.bool == false)
        // That of system_info, which takes none, has no properties.
        let properties = tool.inputSchema["properties"].map { Array($0.members) } ?? []
        for (argument, schema) in properties {
            #expect(schema["description"]?.string?.isEmpty == false, "\(name): \(argument)")
        }
        #expect(tool.outputSchema?["type"]?.isString("object") == true)
    }

    /// Model interfaces refuse a schema that has them at its top.
    @Test(arguments: names, ["oneOf", "anyOf", "allOf", "not", "$ref"])
    func `a schema is plain`(name: String, keyword: String) throws {
        let tool = try TestedTools.named(name).tool
        #expect(!tool.inputSchema.members.contains { $0.key == keyword })
    }

    @Test(arguments: names)
    func `an argument that no tool knows is refused by schema and tool`(name: String) async throws {
        let tool = try TestedTools.named(name)
        let arguments = try TestedTools.json(#"{"no such argument":1}"#)
        #expect(
            SchemaChecker.faults(arguments, against: tool.tool.inputSchema)
                .contains("$ has no such argument, which is not known"))
        let result = await tool.run(arguments, ScriptedCell().context)
        #expect(result.isError)
    }

    @Test(arguments: [
        ("read_file", true, false, true), ("list_directory", true, false, true),
        ("find_files", true, false, true), ("search_files", true, false, true),
        ("file_info", true, false, true), ("process_output", true, false, true),
        ("list_processes", true, false, true), ("system_info", true, false, true),
        ("write_file", false, true, false), ("edit_file", false, true, false),
        ("apply_patch", false, true, false), ("make_directory", false, false, true),
        ("move_file", false, true, false), ("copy_file", false, true, true),
        ("delete_file", false, true, true), ("run_command", false, true, false),
        ("run_code", false, true, false), ("start_process", false, true, false),
        ("process_input", false, true, false), ("stop_process", false, true, true),
        ("run_system_command", false, true, false),
    ])
    func `annotations say what a tool does to the world`(
        name: String, readOnly: Bool, destructive: Bool, idempotent: Bool
    ) throws {
        let hints = try TestedTools.named(name).tool.annotations
        #expect(hints.readOnly == readOnly)
        #expect(hints.destructive == destructive)
        #expect(hints.idempotent == idempotent)
        // A cell has no network; the machine has.
        #expect(hints.openWorld == (name == "run_system_command"))
    }

    @Test func `defaults stand in the schemas`() throws {
        let run = try TestedTools.named("run_command").tool.inputSchema["properties"]
        #expect(run?["timeout_seconds"]?["default"]?.integer == 120)
        #expect(run?["timeout_seconds"]?["maximum"]?.integer == 3600)
        let write = try TestedTools.named("write_file").tool.inputSchema
        #expect(write["properties"]?["disposition"]?["default"]?.string == "overwrite")
        #expect(write["properties"]?["path"]?["maxLength"]?.integer == 4095)
        #expect(write["required"]?.elements.map(\.string) == ["path", "content"])
    }

    /// The checker's words for what our schemas say, each seen to refuse something.
    @Test(arguments: [
        ("read_file", #"{"path":"a","encoding":"x"}"#, "$.encoding is none of the choices"),
        ("read_file", #"{"path":""}"#, "$.path is too short"),
        ("file_info", #"{"path":"\#(String(repeating: "p", count: 4096))"}"#, "$.path is too long"),
        ("read_file", #"{"path":"a","length":1048577}"#, "$.length is too large"),
        ("run_command", #"{"environment":{"A":1}}"#, "$.environment.A is not of type string"),
        ("run_command", #"{"argv":[]}"#, "$.argv has only 0 items"),
        ("edit_file", #"{"path":"a","edits":[{"old_text":"a"}]}"#, "$.edits[0] has no new_text"),
    ])
    func `a schema refuses what the tool refuses`(tool: String, arguments: String, fault: String) throws {
        let schema = try TestedTools.named(tool).tool.inputSchema
        #expect(SchemaChecker.faults(try TestedTools.json(arguments), against: schema) == [fault])
    }
}
