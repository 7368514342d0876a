import Foundation
import Policy
import Testing

@testable import Daemon

/// What polkit is asked, and what people are shown.
@Suite struct PolkitTests {
    private static func question(
        arguments: String = "{}", needs: [Need] = [.path(.fileRead, "/a")], reason: String? = nil,
        executable: String? = "/usr/bin/app"
    ) -> Question {
        Question(
            asker: Asker(uid: 1000, executable: executable, unit: "x.service"), session: 1,
            claim: "cl\u{1B}aim", tool: "read_file", arguments: Array(arguments.utf8), digest: "d1",
            needs: needs, rule: "50-a.yaml:3", reason: reason)
    }

    private static func details(_ question: Question) -> [String: String]? {
        PolkitDetails(question, about: question.needs).map {
            Dictionary(uniqueKeysWithValues: $0.entries)
        }
    }

    @Test("What a client chose cannot command a terminal or turn the direction of writing")
    func disguise() throws {
        let hostile = "/home/\u{202E}gpj.exe\u{1B}[2J\n"
        let details = try #require(
            Self.details(
                Self.question(
                    arguments: "{\"path\":\"\u{202E}x\"}", needs: [.path(.fileRead, hostile)],
                    reason: hostile, executable: hostile)))
        for (key, value) in details {
            #expect(
                value.unicodeScalars.allSatisfy {
                    $0.properties.generalCategory != .format && $0.value >= 32
                },
                "\(key)")
        }
        #expect(details["wants"] == #"/home/\u{202E}gpj.exe\u{1B}[2J\n"#)
        #expect(details["arguments"] == #"{"path":"\u202ex"}"#)
        #expect(!details.values.contains { $0.contains("aim") })
        #expect(details["client"]?.hasSuffix("(x.service) of uid 1000") == true)
    }

    @Test("Long arguments are cut, and that is said; what is asked about is shown whole, or nobody is asked")
    func bounds() throws {
        let long = "{\"a\":\"" + String(repeating: "x", count: 5000) + "\"}"
        let details = try #require(Self.details(Self.question(arguments: long, reason: long)))
        #expect(details["arguments"]?.contains("… (5008 bytes in all; the call's digest is d1)") == true)
        #expect(details.values.allSatisfy { $0.count < 1200 })
        #expect(details["reason"]?.hasSuffix("…") == true)
        let path = "/" + String(repeating: "p", count: 1998)
        #expect(
            Self.details(Self.question(needs: [.path(.fileRead, path + "q")]))?["wants"]?.hasSuffix("q")
                == true)
        #expect(Self.details(Self.question(needs: [.path(.fileRead, path + "qq")])) == nil)
        // As it is shown, not as it was sent.
        let bells = String(repeating: "\u{7}", count: 500)
        #expect(Self.details(Self.question(needs: [.path(.fileRead, bells)])) == nil)
    }

    @Test("Every permission has its action in the policy file, whose messages use details that there are")
    func policyFile() throws {
        let place = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "polkit/org.cloister.Cloister1.policy")
        let text = try String(contentsOf: place, encoding: .utf8)
        let all = text.matches(of: /<action id="([^"]+)">/).map { String($0.1) }
        let acts = AdministrativeAct.allCases.map(\.action)
        #expect(Array(all.suffix(acts.count)) == acts)
        let ids = all.dropLast(acts.count)
        let permissions = PermissionName.known.compactMap { PermissionName($0) } + [.custom("CUSTOM_X")]
        #expect(Set(permissions.map(\.polkitAction)) == Set(ids))
        #expect(ids.count == permissions.count)
        let details = try #require(Self.details(Self.question()))
        let messages = text.matches(of: /<message>(.+)<\/message>/).map { String($0.1) }
        #expect(messages.count == all.count)
        for (id, message) in zip(ids, messages) {
            // celld asks about this one, with details of its own.
            if id == PermissionName.codeExecutionSudo.polkitAction {
                #expect(message.contains("$(command_line)"))
                continue
            }
            for name in message.matches(of: /\$\(([a-z]+)\)/) {
                #expect(details[String(name.1)] != nil, "\(name.1)")
            }
            for name in ["client", "tool", "arguments", "wants", "rule", "reason"] {
                #expect(message.contains("$(\(name))"))
            }
        }
        let permissionsAlone = text.prefix(upTo: try #require(text.firstRange(of: acts[0])).lowerBound)
        #expect(!permissionsAlone.contains("_keep<") && !permissionsAlone.contains(">yes<"))
    }
}
