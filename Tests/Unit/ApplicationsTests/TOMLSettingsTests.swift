import Testing

@testable import Applications

@Suite("Entries in TOML, which keeps everything else as it is") struct TOMLSettingsTests {
    static let table =
        "[mcp_servers.cloister]\ncommand = \"/usr/bin/cloister-bridge\"\nargs = [\"--client\", \"a\"]\n"
    static let wide = table.replacing("\n", with: "\r\n")

    static let samples: [Sample] = [
        .init("codex", "nothing", "", table),
        .init("codex", "settings", "model = \"o\"\n", "model = \"o\"\n\n\(table)"),
        .init("codex", "no end of the last line", "model = \"o\"", "model = \"o\"\n\n\(table)"),
        .init("codex", "line ends of Windows", "# a\r\nb = 1\r\n", "# a\r\nb = 1\r\n\r\n\(wide)"),
        .init(
            "codex", "a head in a text of several lines",
            "a = \"\"\"\n[mcp_servers.cloister]\n\\\"\"\"\"\"\nb = '''\n[x''' # [y]\n",
            "a = \"\"\"\n[mcp_servers.cloister]\n\\\"\"\"\"\"\nb = '''\n[x''' # [y]\n\n\(table)"),
        .init(
            "codex", "every kind of value",
            "a.\"b c\".'d' = [1, [2.5e1], # x ]\n  {e = inf, f = 1979-05-27 07:32:00Z}, \n]\n[mcp_servers]\n[mcp_servers.x]\ncommand = 'y'\nenv = { A = \"b\" }\n[[z]]\nd = 07:32:00\n[[z]]\nt = true\n",
            "a.\"b c\".'d' = [1, [2.5e1], # x ]\n  {e = inf, f = 1979-05-27 07:32:00Z}, \n]\n[mcp_servers]\n[mcp_servers.x]\ncommand = 'y'\nenv = { A = \"b\" }\n[[z]]\nd = 07:32:00\n[[z]]\nt = true\n\n\(table)"
        ),
        .init("codex", "a mark of the byte order", "\u{FEFF}a = 1\n", "\u{FEFF}a = 1\n\n\(table)"),
    ]

    @Test("A table is added at the end, and all else stays", arguments: samples)
    func added(_ sample: Sample) throws {
        try sample.check()
        let without = try Editing("codex").disconnect(sample.after)
        #expect(without == sample.before || without == sample.before + "\n")
    }

    @Test(
        "What is not TOML, or not a table of its own, is refused with line and column",
        arguments: [
            ("a = ", "line 1, column 5: the text ends before its time"),
            ("a = 1 2\n", "line 1, column 7: here should be the end of the line"),
            ("= 1", "line 1, column 1: here should be a name"),
            ("a = \"b\n\"", "line 1, column 5: this text has no end"),
            ("a = \"\"\"b", "line 1, column 5: this text has no end"),
            ("[a", "line 1, column 3: the text ends before its time"),
            ("a = [1 2]", "line 1, column 8: here should be a comma or ]"),
            ("a = {b 1}", "line 1, column 8: here should be ="),
            ("\n{}", "line 2, column 1: here should be a name"),
            (
                "mcp_servers = {}",
                "line 1, column 1: this is understood as a table of its own alone: [mcp_servers.cloister]"
            ),
            (
                "[mcp_servers]\ncloister = {}",
                "line 2, column 1: this is understood as a table of its own alone: [mcp_servers.cloister]"
            ),
            (
                "mcp_servers.cloister.command = 'x'",
                "line 1, column 1: this is understood as a table of its own alone: [mcp_servers.cloister]"
            ),
            ("[[mcp_servers]]\n", "line 1, column 1: this should be a table, and not a list of tables"),
            (
                "[mcp_servers.cloister]\n[mcp_servers.\"cloister\"]\n",
                "line 2, column 1: this table stands here a second time"
            ),
            (
                "[mcp_servers.cloister.env]\n",
                "line 1, column 1: the table above this is missing: [mcp_servers.cloister]"
            ),
            (
                "[mcp_servers.cloister]\ncommand = 'npx'",
                "there is an entry cloister already, which starts npx"
            ),
        ])
    func refused(text: String, problem: String) throws {
        #expect(try Editing("codex").fault(text) == problem)
    }

    @Test("Of a table that is ours only what starts the bridge is changed, and all of it can be taken out")
    func updated() throws {
        let editing = try Editing("codex")
        let before = """
            [mcp_servers.cloister] # ours
            enabled = false
            command = '/old/cloister-bridge' # where

            [mcp_servers.cloister.env]
            A = "b"

            # of x
            [mcp_servers.x]
            command = "y"
            """
        let after = """
            [mcp_servers.cloister] # ours
            args = ["--client", "a"]
            enabled = false
            command = "/usr/bin/cloister-bridge" # where

            [mcp_servers.cloister.env]
            A = "b"

            # of x
            [mcp_servers.x]
            command = "y"
            """
        #expect(try editing.connect(before) == after)
        #expect(try editing.disconnect(after) == "\n# of x\n[mcp_servers.x]\ncommand = \"y\"")
    }

    @Test("A name that is no bare word is quoted")
    func quoted() throws {
        let editing = try Editing("codex", name: "a.b \"c\"")
        let text = try #require(try editing.connect(""))
        #expect(text.hasPrefix("[mcp_servers.\"a.b \\\"c\\\"\"]\n"))
        #expect(try editing.connect(text) == nil)
    }
}
