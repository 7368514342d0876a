import Testing

@testable import Applications

@Suite("The applications that are known") struct KnownApplicationsTests {
    @Test("Each has a name of its own, a file of its own, and says what to do then")
    func unique() {
        let names = Application.known.map(\.name)
        #expect(Set(names).count == names.count)
        let files = Application.known.flatMap(\.files).map { $0.path(home: "/h") { _ in nil } }
        #expect(Set(files).count == files.count)
        for application in Application.known {
            #expect(application.name.allSatisfy { $0.isLowercase || $0 == "-" }, "\(application.name)")
            #expect(!application.advice.isEmpty && !application.traces.isEmpty)
        }
    }

    @Test(
        "Each gets an entry where there is none, once, and loses it again",
        arguments: Application.known.map(\.name))
    func connected(name: String) throws {
        let editing = try Editing(name)
        let text = try #require(try editing.connect(""))
        #expect(try editing.connect(text) == nil)
        #expect(editing.isConnected(text, from: ""))
        let moved = try #require(try editing.connect(text, Editing.moved))
        #expect(moved == text.replacing("/usr/bin/", with: "/opt/bin/").replacing("\"a\"", with: "\"b\""))
        let without = try #require(try editing.disconnect(text))
        #expect(!without.contains("cloister"))
    }

    @Test(
        "Files are where the applications look for them",
        arguments: [
            ("claude-desktop", "/x/Claude/claude_desktop_config.json"), ("claude-code", "/c/.claude.json"),
            ("vscode", "/x/Code/User/mcp.json"), ("vscode-insiders", "/x/Code - Insiders/User/mcp.json"),
            ("cursor", "/h/.cursor/mcp.json"), ("windsurf", "/h/.codeium/windsurf/mcp_config.json"),
            ("zed", "/x/zed/settings.json"), ("codex", "/o/config.toml"),
            ("gemini-cli", "/h/.gemini/settings.json"), ("goose", "/x/goose/config.yaml"),
            ("opencode", "/x/opencode/opencode.json"), ("amp", "/h/.config/amp/settings.json"),
        ])
    func files(name: String, path: String) throws {
        let file = try #require(Application.named(name)?.files.first)
        let variables = ["XDG_CONFIG_HOME": "/x", "CODEX_HOME": "/o/", "CLAUDE_CONFIG_DIR": "/c"]
        #expect(file.path(home: "/h") { variables[$0] } == path)
        // A relative directory is nobody's.
        #expect(file.path(home: "/h") { _ in "x" } == file.path(home: "/h") { _ in nil })
        #expect(file.path(home: "/h/") { _ in nil }.hasPrefix("/h/."))
    }

    /// Files as these applications or their makers write them.
    static let real: [Sample] = [
        .init(
            "claude-desktop", "of its documentation",
            """
            {
              "mcpServers": {
                "filesystem": {
                  "command": "npx",
                  "args": [
                    "-y",
                    "@modelcontextprotocol/server-filesystem",
                    "/home/me/Desktop"
                  ]
                }
              }
            }

            """,
            """
            {
              "mcpServers": {
                "filesystem": {
                  "command": "npx",
                  "args": [
                    "-y",
                    "@modelcontextprotocol/server-filesystem",
                    "/home/me/Desktop"
                  ]
                },
                "cloister": {
                  "command": "/usr/bin/cloister-bridge",
                  "args": ["--client", "a"]
                }
              }
            }

            """),
        .init(
            "claude-code", "with projects, each with servers of its own",
            """
            {
              "numStartups": 34,
              "projects": {
                "/home/me/a": {
                  "mcpServers": {}
                }
              },
              "oauthAccount": {"x": 1}
            }
            """,
            """
            {
              "numStartups": 34,
              "projects": {
                "/home/me/a": {
                  "mcpServers": {}
                }
              },
              "oauthAccount": {"x": 1},
              "mcpServers": {
                "cloister": {
                  "type": "stdio",
                  "command": "/usr/bin/cloister-bridge",
                  "args": ["--client", "a"]
                }
              }
            }
            """),
        .init(
            "vscode", "with inputs, indented by tabs",
            "{\n\t\"servers\": {\n\t\t\"git\": {\n\t\t\t\"url\": \"https://example.org\",\n\t\t\t\"type\": \"http\"\n\t\t}\n\t},\n\t\"inputs\": []\n}",
            "{\n\t\"servers\": {\n\t\t\"git\": {\n\t\t\t\"url\": \"https://example.org\",\n\t\t\t\"type\": \"http\"\n\t\t},\n\t\t\"cloister\": {\n\t\t\t\"type\": \"stdio\",\n\t\t\t\"command\": \"/usr/bin/cloister-bridge\",\n\t\t\t\"args\": [\"--client\", \"a\"]\n\t\t}\n\t},\n\t\"inputs\": []\n}"
        ),
        .init(
            "zed", "as it is when Zed has made it",
            """
            // Zed settings
            //
            // For information on how to configure Zed, see the Zed
            // documentation: https://zed.dev/docs/configuring-zed
            {
              "ui_font_size": 16,
              "theme": {
                "mode": "system",
                "dark": "One Dark", // at night
              },
            }

            """,
            """
            // Zed settings
            //
            // For information on how to configure Zed, see the Zed
            // documentation: https://zed.dev/docs/configuring-zed
            {
              "ui_font_size": 16,
              "theme": {
                "mode": "system",
                "dark": "One Dark", // at night
              },
              "context_servers": {
                "cloister": {
                  "source": "custom",
                  "command": "/usr/bin/cloister-bridge",
                  "args": ["--client", "a"],
                  "env": {}
                }
              },
            }

            """),
        .init(
            "codex", "with a profile and a server",
            "model = \"o\"\n\n[profiles.a]\nmodel = \"p\"\n\n[mcp_servers.docs]\ncommand = \"npx\"\nargs = [\"-y\", \"docs\"]\n\n[mcp_servers.docs.env]\nKEY = \"v\"\n",
            "model = \"o\"\n\n[profiles.a]\nmodel = \"p\"\n\n[mcp_servers.docs]\ncommand = \"npx\"\nargs = [\"-y\", \"docs\"]\n\n[mcp_servers.docs.env]\nKEY = \"v\"\n\n[mcp_servers.cloister]\ncommand = \"/usr/bin/cloister-bridge\"\nargs = [\"--client\", \"a\"]\n"
        ),
        .init(
            "opencode", "of the first version",
            "{\n  \"$schema\": \"https://opencode.ai/config.json\",\n  \"mcp\": {\n    \"x\": {\n      \"type\": \"local\",\n      \"command\": [\"bun\", \"x\"],\n      \"enabled\": true\n    }\n  }\n}\n",
            "{\n  \"$schema\": \"https://opencode.ai/config.json\",\n  \"mcp\": {\n    \"x\": {\n      \"type\": \"local\",\n      \"command\": [\"bun\", \"x\"],\n      \"enabled\": true\n    },\n    \"cloister\": {\n      \"type\": \"local\",\n      \"command\": [\"/usr/bin/cloister-bridge\", \"--client\", \"a\"],\n      \"enabled\": true\n    }\n  }\n}\n"
        ),
        .init(
            "opencode", "of the second version",
            "{\n  \"mcp\": {\n    \"servers\": {\n      \"x\": {\n        \"type\": \"local\",\n        \"command\": [\"npx\"],\n      },\n    },\n  },\n}\n",
            "{\n  \"mcp\": {\n    \"servers\": {\n      \"x\": {\n        \"type\": \"local\",\n        \"command\": [\"npx\"],\n      },\n      \"cloister\": {\n        \"type\": \"local\",\n        \"command\": [\"/usr/bin/cloister-bridge\", \"--client\", \"a\"]\n      },\n    },\n  },\n}\n"
        ),
        .init(
            "amp", "whose name has a dot in it", "{\n  \"amp.showCosts\": true\n}",
            "{\n  \"amp.showCosts\": true,\n  \"amp.mcpServers\": {\n    \"cloister\": {\n      \"command\": \"/usr/bin/cloister-bridge\",\n      \"args\": [\"--client\", \"a\"]\n    }\n  }\n}"
        ),
    ]

    @Test("A real file gets our entry, and keeps everything else", arguments: real)
    func realFiles(_ sample: Sample) throws { try sample.check() }
}
