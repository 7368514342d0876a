import Ctl
import Foundation
import TestSupport
import Testing

/// What is written about commands beside them: it must name all of them and all of their options.
@Suite struct HelpTests {
    static func text(_ path: String) throws -> String {
        let tests = URL(filePath: #filePath).deletingLastPathComponent()
        let root = tests.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    @Test("Help lists every command, and each says what it takes", arguments: ["--help", "-h", "help"])
    func help(word: String) {
        let run = CtlRun(word)
        #expect(run.status == 0)
        for command in Commands.all {
            #expect(run.output.contains("\n  \(command.name) "))
            let own = CtlRun(command.name.split(separator: " ").map(String.init) + ["--help"])
            #expect(own.status == 0)
            #expect(own.output.hasPrefix("Usage: cloisterctl \(command.name) "))
            for option in command.options + Command.common {
                #expect(own.output.contains(option.name))
                if let short = option.short { #expect(own.output.contains("\(short), ")) }
            }
            #expect(own.output.split(separator: "\n").allSatisfy { $0.count <= 110 })
        }
    }

    @Test("The manual page has a section of every command, and an item of every option")
    func manual() throws {
        let page = try Self.text("man/cloisterctl.1")
        for command in Commands.all {
            #expect(page.contains(".Ss cloisterctl \(command.name)\n"))
            let section =
                page.split(separator: ".Ss cloisterctl \(command.name)\n").last?
                .split(separator: "\n.S").first ?? ""
            for option in command.options {
                #expect(section.contains("Fl -\(option.name.dropFirst(2))"), "\(command.name) \(option.name)")
                if let short = option.short {
                    #expect(
                        section.contains(", \(short.dropFirst())\n")
                            || section.contains(", Fl \(short.dropFirst()) "))
                }
            }
        }
        for option in Command.common { #expect(page.contains(".It Fl -\(option.name.dropFirst(2))")) }
    }

    @Test("Completions of every shell name every command and option", arguments: ["bash", "zsh", "fish"])
    func completions(shell: String) throws {
        let text = try Self.text(
            "packaging/completions/" + (shell == "zsh" ? "_cloisterctl" : "cloisterctl.\(shell)"))
        for command in Commands.all {
            #expect(text.contains(command.name))
            for option in command.options + Command.common {
                let spelling = shell == "fish" ? "-l \(option.name.dropFirst(2)) " : option.name
                #expect(text.contains(spelling), "\(command.name) \(option.name)")
                guard let short = option.short else { continue }
                #expect(text.contains(shell == "fish" ? "-s \(short.dropFirst()) " : short))
            }
        }
    }

    @Test("bash completes commands, options and words")
    func bash() throws {
        let script = """
            source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _cloisterctl
            echo "${COMPREPLY[*]}"
            """
        let tests = URL(filePath: #filePath).deletingLastPathComponent().path
        func completed(_ words: String...) throws -> String {
            let file = tests + "/../../../packaging/completions/cloisterctl.bash"
            let end = try Launch("/bin/bash", ["-c", script, "bash", file] + words).run()
            #expect(end.status == .exited(0), "\(end.errors)")
            return String(end.output.dropLast())
        }
        #expect(try completed("cloisterctl", "a") == "approvals approve audit")
        #expect(try completed("cloisterctl", "--root", "/x", "au") == "audit")
        #expect(try completed("cloisterctl", "audit", "v") == "verify")
        #expect(try completed("cloisterctl", "audit", "--verd") == "--verdict")
        #expect(try completed("cloisterctl", "audit", "--verdict", "a") == "allow ask")
        #expect(try completed("cloisterctl", "audit", "verify", "--p") == "--public-key")
        #expect(try completed("cloisterctl", "connect", "--dry-run", "cod") == "codex")
        #expect(try completed("cloisterctl", "connect", "zed", "--und") == "--undo")
    }

    @Test("Names of commands and options are unique")
    func unique() {
        #expect(Set(Commands.all.map(\.name)).count == Commands.all.count)
        for command in Commands.all {
            let names = (command.options + Command.common).flatMap { [$0.name, $0.short].compactMap { $0 } }
            #expect(Set(names).count == names.count)
        }
    }
}
