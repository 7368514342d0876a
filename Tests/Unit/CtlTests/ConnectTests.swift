import Applications
import TestSupport
import Testing

@testable import Ctl

@Suite("cloisterctl connect reads its command line before it reads any file") struct ConnectTests {
    @Test(
        "What makes no sense is said, with status 2",
        arguments: [
            (["nonsense"], "nonsense is not known"),
            (["--all", "zed"], "--all or APP can be said, not both"),
            (["--list", "zed"], "--list lists all applications"),
            (["--config", "/x", "zed", "codex"], "--config is for one APP alone"),
            (["--name", "a b", "zed"], "--name takes at most 64 letters"),
            (["--name", String(repeating: "a", count: 65), "zed"], "--name takes at most 64 letters"),
            (
                ["--bridge", "/usr/bin/other", "zed"],
                "--bridge names a program that is called cloister-bridge"
            ),
            (["--client", "$HOME", "zed"], "applications do not take $"),
            (["--client", "a\nb", "zed"], "applications do not take $ and control characters"),
            (["--client", String(repeating: "é", count: 65), "zed"], "--client takes at most 128 bytes"),
        ] as [([String], String)])
    func usage(words: [String], problem: String) throws {
        let directory = try TemporaryDirectory()
        let run = CtlRun(["connect"] + words)
        #expect(run.status == 2 && run.output == "")
        #expect(run.errors.contains(problem), "\(run.errors)")
        withExtendedLifetime(directory) {}
    }

    @Test("A file at another place gets the entry, and says so in JSON")
    func json() throws {
        let directory = try TemporaryDirectory()
        let file = directory.path + "/mine.json"
        let run = CtlRun("--json", "--root", directory.path, "connect", "cursor", "--config", file)
        #expect(run.status == 0, "\(run.errors)")
        #expect(
            run.output.hasPrefix(
                #"{"ok":true,"dry_run":false,"applications":[{"name":"cursor","outcome":"connected","file":"\#(file)""#
            ),
            "\(run.output)")
        #expect(run.output.contains(#""no daemon answers (connect \#(directory.path)/mcp.sock"#))
        let bytes = try SettingsFile.read(file).bytes
        let text = String(decoding: bytes ?? [], as: UTF8.self)
        #expect(text.contains(#""args": ["--socket", "\#(directory.path)/mcp.sock", "--client", "cursor"]"#))
        #expect(CtlRun("connect", "cursor", "--config", file, "--undo").status == 0)
        #expect(try SettingsFile.read(file).bytes == nil)
    }

    @Test(
        "Completions know every application",
        arguments: ["cloisterctl.bash", "_cloisterctl", "cloisterctl.fish"])
    func completions(file: String) throws {
        let text = try HelpTests.text("packaging/completions/\(file)")
        let words = Set(text.split { !$0.isLetter && $0 != "-" }.map(String.init))
        for application in Application.known { #expect(words.contains(application.name)) }
        let page = try HelpTests.text("docs/applications.md")
        for application in Application.known { #expect(page.contains("`\(application.name)`")) }
    }
}
