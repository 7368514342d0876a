import JSON
import MCP
import Testing

@testable import Tools

struct SystemInfoTests {
    private let registered = SystemInfo.registered()

    private func value(_ json: String) throws -> JSONValue {
        try JSONDocument(Array(json.utf8)).root
    }

    private func run(_ arguments: String? = nil) async throws -> ToolResult {
        await registered.run(try arguments.map { try value($0) }, ScriptedCell().context)
    }

    private func liveResult() async throws -> String {
        String(decoding: try #require(try await run().structured), as: UTF8.self)
    }

    private func faults(_ json: String) throws -> [String] {
        SchemaChecker.faults(try value(json), against: try #require(registered.tool.outputSchema))
    }

    @Test(arguments: [nil, "{}"])
    func `its result is what its schema promises`(arguments: String?) async throws {
        let result = try await run(arguments)
        #expect(!result.isError)
        let json = String(decoding: try #require(result.structured), as: UTF8.self)
        #expect(try faults(json) == [])
    }

    @Test func `the text of its result is the same JSON`() async throws {
        let result = try await run()
        try #require(result.content.count == 1)
        guard case .text(let text) = result.content[0] else {
            Issue.record("not a text")
            return
        }
        #expect(Array(text.utf8) == result.structured)
    }

    /// The bare minimum that a machine can say of itself, and all that it can.
    @Test func `any machine's result is what its schema promises`() throws {
        var full = Machine()
        (full.kernelName, full.kernelRelease, full.architecture) = ("Linux", "6.1.0 \"x\"", "riscv64")
        (full.cpuModel, full.timeZone) = ("a \\ model\u{1}", "Europe/Paris")
        for (machine, load) in [(Machine(), Load()), (full, Load.current())] {
            let result = SystemInfo.report(machine, load)
            let json = String(decoding: try #require(result.structured), as: UTF8.self)
            #expect(try faults(json) == [])
        }
    }

    @Test func `what is not known is absent`() throws {
        let bytes = try #require(SystemInfo.report(Machine(), Load()).structured)
        let info = try JSONDocument(bytes).root
        #expect(info["cpus"]?.isObject == true)
        #expect(info["cpus"]?["model"] == nil)
        #expect(info["time_zone"]?["name"] == nil)
    }

    @Test func `it tells of this machine`() async throws {
        let info = try value(try await liveResult())
        #expect(info["kernel"]?["name"]?.string == "Linux")
        #expect(info["kernel"]?["release"]?.string?.isEmpty == false)
        #expect(try #require(info["cpus"]?["online"]?.integer) >= 1)
        let memory = try #require(info["memory"])
        let (total, available) = (memory["total_bytes"]?.integer, memory["available_bytes"]?.integer)
        #expect(try #require(total) > 1 << 20)
        #expect(try #require(available) <= #require(total))
        #expect(try #require(info["uptime_seconds"]?.double) > 0)
    }

    /// Shows that the check above can fail.
    @Test(arguments: [
        (#""kernel":"#, #""kernal":"#, "$ has no kernel"),
        (#""release":"#, #""released":"#, "$.kernel has no release"),
        (#""name":""#, #""name":1,"was":""#, "$.kernel.name is not of type string"),
        (#""online":"#, #""online":0,"was":"#, "$.cpus.online is too small"),
        (#""online":"#, #""online":1.5,"was":"#, "$.cpus.online is not of type integer"),
        (#""swap_free_bytes":"#, #""swap_free_bytes":-1,"was":"#, "$.memory.swap_free_bytes is too small"),
        (#""load":["#, #""load":[1,"#, "$.load has 4 items"),
        (#""load":["#, #""load":[1,2],"was":["#, "$.load has only 2 items"),
        (#""load":["#, #""load":[1,2,"3"],"was":["#, "$.load[2] is not of type number"),
        (#""load":["#, #""load":[1,2,-3],"was":["#, "$.load[2] is too small"),
        (#""load":["#, #""load":{},"was":["#, "$.load is not of type array"),
        (#""time_zone":{"#, #""time_zone":null,"was":{"#, "$.time_zone is not of type object"),
    ])
    func `a damaged result is refused`(part: String, damage: String, fault: String) async throws {
        let json = try await liveResult()
        let place = try #require(json.firstRange(of: part))
        #expect(try faults(json.replacingCharacters(in: place, with: damage)).contains(fault))
    }

    @Test func `the checker refuses what it does not know`() throws {
        let schema = try value(#"{"type":"object","minProperties":1}"#)
        #expect(SchemaChecker.faults(try value("{}"), against: schema).count == 1)
    }

    @Test(arguments: [#"{"verbose":true}"#, #"{"kernel":null}"#])
    func `an unknown argument is a failure that names it, here and by the schema`(
        text: String
    ) async throws {
        let result = try await run(text)
        #expect(result.isError)
        #expect(result.structured == nil)
        guard case .text(let explanation)? = result.content.first else {
            Issue.record("no text")
            return
        }
        let name = try #require(try value(text).members.first { _ in true }?.key)
        #expect(explanation == "unknown argument \"\(name)\" (known: it takes none)")
        let faults = SchemaChecker.faults(try value(text), against: registered.tool.inputSchema)
        #expect(faults == ["$ has \(name), which is not known"])
    }

    @Test func `it only reads, and says so`() {
        #expect(registered.tool.name == "system_info")
        #expect(registered.tool.annotations.readOnly == true)
        #expect(registered.tool.annotations.destructive == false)
        #expect(registered.tool.annotations.openWorld == false)
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}
