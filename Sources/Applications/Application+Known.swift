// The applications that are known, in the order in which they are listed. docs/applications.md says from where.

extension Application {
    package static let known: [Application] = desktop + editors + terminal

    package static func named(_ name: String) -> Application? { known.first { $0.name == name } }

    private static let desktop = [
        Application(
            "claude-desktop", "Claude Desktop", .configuration("Claude/claude_desktop_config.json"),
            programs: ["claude-desktop"], places: [.plain("mcpServers")],
            advice: "quit Claude Desktop, not only its window, and start it again"),
        Application(
            "lm-studio", "LM Studio", .home(".lmstudio/mcp.json"), programs: ["lm-studio"],
            places: [.plain("mcpServers")]),
        Application(
            "goose", "Goose", .configuration("goose/config.yaml"), programs: ["goose"], language: .yaml,
            places: [.goose], advice: "start a new session of Goose"),
    ]

    private static let editors = [
        code("vscode", "Visual Studio Code", "Code", "code"),
        code("vscode-insiders", "Visual Studio Code Insiders", "Code - Insiders", "code-insiders"),
        code("vscodium", "VSCodium", "VSCodium", "codium"),
        Application(
            "cursor", "Cursor", .home(".cursor/mcp.json"), programs: ["cursor"],
            places: [.plain("mcpServers")]),
        Application(
            "windsurf", "Windsurf", .home(".codeium/windsurf/mcp_config.json"), programs: ["windsurf"],
            places: [.plain("mcpServers")], advice: "refresh the list of MCP servers in Cascade"),
        Application(
            "zed", "Zed", .configuration("zed/settings.json"), programs: ["zed", "zeditor"], places: [.zed],
            advice: "Zed notices by itself; its agent panel lists the server"),
        Application(
            "kiro", "Kiro", .home(".kiro/settings/mcp.json"), traces: [.home(".kiro")], programs: ["kiro"],
            places: [.plain("mcpServers")], advice: "Kiro notices by itself; its MCP panel lists the server"),
        Application(
            "antigravity", "Antigravity", .home(".gemini/antigravity/mcp_config.json"),
            programs: ["antigravity"], places: [.plain("mcpServers")],
            advice: "refresh the list of MCP servers in Antigravity"),
        Application(
            "cline", "Cline (Visual Studio Code)",
            .configuration("Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"),
            traces: [.configuration("Code/User/globalStorage/saoudrizwan.claude-dev")],
            places: [.plain("mcpServers")],
            advice: "Cline notices by itself; its list of MCP servers shows it"),
        Application(
            "roo-code", "Roo Code (Visual Studio Code)",
            .configuration("Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json"),
            traces: [.configuration("Code/User/globalStorage/rooveterinaryinc.roo-cline")],
            places: [.plain("mcpServers")],
            advice: "Roo Code notices by itself; its list of MCP servers shows it"),
        Application(
            "jetbrains", "JetBrains AI Assistant and Junie", traces: [.configuration("JetBrains")],
            places: [.plain("mcpServers")],
            advice: "add this in Settings | Tools | AI Assistant | Model Context Protocol (MCP), as JSON"),
    ]

    private static func code(_ name: String, _ title: String, _ directory: String, _ program: String)
        -> Application
    {
        Application(
            name, title, .configuration("\(directory)/User/mcp.json"), traces: [.configuration(directory)],
            programs: [program], places: [.typed("servers", "stdio")],
            advice: "\(title) asks whether you trust the server when a chat first needs it")
    }

    private static let terminal = [
        Application(
            "claude-code", "Claude Code", .named(by: "CLAUDE_CONFIG_DIR", else: "", ".claude.json"),
            traces: [.named(by: "CLAUDE_CONFIG_DIR", else: ".claude", "")], programs: ["claude"],
            places: [.typed("mcpServers", "stdio")], advice: "start claude again; /mcp lists the server"),
        Application(
            "codex", "Codex", .named(by: "CODEX_HOME", else: ".codex", "config.toml"), programs: ["codex"],
            language: .toml, places: [.plain("mcp_servers")],
            advice: "start codex again; /mcp lists the server"),
        Application(
            "gemini-cli", "Gemini CLI", .home(".gemini/settings.json"), programs: ["gemini"],
            places: [.plain("mcpServers")], advice: "start gemini again; /mcp lists the server"),
        Application(
            "qwen-code", "Qwen Code", .home(".qwen/settings.json"), programs: ["qwen"],
            places: [.plain("mcpServers")], advice: "start qwen again; /mcp lists the server"),
        Application(
            "copilot-cli", "GitHub Copilot CLI",
            .named(by: "COPILOT_HOME", else: ".copilot", "mcp-config.json"), programs: ["copilot"],
            places: [.copilot], advice: "start copilot again; /mcp show lists the server"),
        Application(
            "opencode", "opencode", .configuration("opencode/opencode.json"),
            .configuration("opencode/opencode.jsonc"), programs: ["opencode"],
            places: [.openCode2, .openCode],
            advice: "start opencode again"),
        Application(
            "crush", "Crush", .configuration("crush/crush.json"), programs: ["crush"],
            places: [.typed("mcp", "stdio")], advice: "start crush again"),
        Application(
            "amp", "Amp", .home(".config/amp/settings.json"), .home(".config/amp/settings.jsonc"),
            programs: ["amp"], places: [.plain("amp.mcpServers")], advice: "start amp again"),
        Application(
            "cline-cli", "Cline CLI", .home(".cline/data/settings/cline_mcp_settings.json"),
            traces: [.home(".cline")], programs: ["cline"], places: [.plain("mcpServers")],
            advice: "start cline again"),
        Application(
            "droid", "Factory Droid", .home(".factory/mcp.json"), programs: ["droid"],
            places: [.typed("mcpServers", "stdio")], advice: "start droid again; /mcp lists the server"),
    ]
}

extension Application.Place {
    /// What most of them do.
    static func plain(_ list: String) -> Self { Self(list) { server, _ in start(server) } }

    /// With the word for a server that is started.
    static func typed(_ list: String, _ type: String) -> Self {
        Self(list) { server, _ in [EntryField("type", .text(type))] + start(server) }
    }

    private static func start(_ server: ServerEntry) -> [EntryField] {
        [EntryField("command", .text(server.command)), EntryField("args", .texts(server.arguments))]
    }

    static let zed = Self("context_servers") { server, _ in
        [EntryField("source", .text("custom"))] + start(server) + [EntryField("env", .nothing, isOurs: false)]
    }

    static let copilot = Self("mcpServers") { server, _ in
        [EntryField("type", .text("local"), isOurs: false)] + start(server)
            + [EntryField("tools", .texts(["*"]), isOurs: false)]
    }

    static let openCode = Self("mcp") { server, _ in
        [
            EntryField("type", .text("local")),
            EntryField("command", .texts([server.command] + server.arguments)),
            EntryField("enabled", .flag(true), isOurs: false),
        ]
    }

    /// The second version reads what the first one did, but not both in one file.
    static let openCode2 = Self("mcp", "servers", isUsual: false) { server, _ in
        [
            EntryField("type", .text("local")),
            EntryField("command", .texts([server.command] + server.arguments)),
        ]
    }

    static let goose = Self("extensions") { server, name in
        [
            EntryField("enabled", .flag(true), isOurs: false), EntryField("type", .text("stdio")),
            EntryField("name", .text(name), isOurs: false),
            EntryField("description", .text("Use this Linux machine"), isOurs: false),
            EntryField("cmd", .text(server.command)), EntryField("args", .texts(server.arguments)),
            EntryField("envs", .nothing, isOurs: false), EntryField("timeout", .number(300), isOurs: false),
        ]
    }
}
