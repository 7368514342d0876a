// cloisterd with tools that do what a test needs: report progress, log, wait, fail, send much. Everything
// else, from the socket to the gatekeeper, is the daemon's own.

import Daemon
import EventLoop
import Glibc
import JSON
import MCP
import Synchronization
import Tools

let fixtures = Fixtures()
exit(
    Program.run(CommandLine.arguments, toolsPerPage: 3) { daemon in
        fixtures.tools(daemon)
    })

final class Fixtures: Sendable {
    private let cancelled = Mutex(0)
    private let hasExtra = Mutex(false)

    func tools(_ daemon: Daemon) -> [RegisteredTool] {
        var tools = [SystemInfo.registered(), progress(daemon), log, sleep(daemon), countCancelled, fail]
        tools += [content, echo, big(daemon), toggle(daemon)]
        if hasExtra.withLock({ $0 }) {
            tools.append(fixture("extra", "{}") { _, _ in .text("extra") })
        }
        return tools
    }

    private func fixture(
        _ name: String, _ properties: String, outputSchema: JSONDocument? = nil,
        _ run: @escaping RegisteredTool.PlainBody
    ) -> RegisteredTool {
        let schema = Array(#"{"type":"object","properties":\#(properties)}"#.utf8)
        guard let inputSchema = try? JSONDocument(schema) else {
            preconditionFailure("malformed schema of \(name)")
        }
        return RegisteredTool(
            Tool(
                name: "fixture_\(name)", title: "Fixture: \(name)", description: "For tests",
                inputSchema: inputSchema, outputSchema: outputSchema,
                annotations: Tool.Annotations(readOnly: true)), run: run)
    }

    private func progress(_ daemon: Daemon) -> RegisteredTool {
        fixture("progress", #"{"steps":{"type":"integer"},"delay_ms":{"type":"integer"}}"#) {
            arguments, reporter in
            let steps = arguments?["steps"]?.integer ?? 3
            let delay = Duration.milliseconds(arguments?["delay_ms"]?.integer ?? 0)
            for step in 1...max(1, steps) {
                try? await daemon.sleep(for: delay)
                await reporter.progress(
                    Double(step), of: Double(steps), message: "step \(step)")
            }
            return .text("done")
        }
    }

    private var log: RegisteredTool {
        fixture(
            "log",
            #"{"level":{"type":"string"},"text":{"type":"string"},"count":{"type":"integer"}}"#
        ) { arguments, reporter in
            let level = arguments?["level"]?.string.flatMap { LogLevel(rawValue: $0) } ?? .info
            let text = JSONWriter.bytes { $0.string(arguments?["text"]?.string ?? "hello") }
            for _ in 0..<(arguments?["count"]?.integer ?? 1) {
                await reporter.log(level, logger: "fixture", data: text)
            }
            return .text("logged")
        }
    }

    private func sleep(_ daemon: Daemon) -> RegisteredTool {
        fixture("sleep", #"{"ms":{"type":"integer"}}"#) { [self] arguments, _ in
            do throws(CancellationError) {
                try await daemon.sleep(for: .milliseconds(arguments?["ms"]?.integer ?? 100))
                return .text("slept")
            } catch {
                cancelled.withLock { $0 += 1 }
                return .failure("cancelled")
            }
        }
    }

    private var countCancelled: RegisteredTool {
        fixture("cancelled", "{}") { [self] _, _ in
            .structured { $0.member("count", cancelled.withLock { $0 }) }
        }
    }

    private var fail: RegisteredTool {
        fixture("fail", #"{"message":{"type":"string"}}"#) { arguments, _ in
            .failure(arguments?["message"]?.string ?? "failed")
        }
    }

    private var content: RegisteredTool {
        fixture("content", #"{"kind":{"type":"string"}}"#) { arguments, _ in
            // A PNG of one pixel and a WAV without samples.
            let png =
                "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
            let wav = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA="
            switch arguments?["kind"]?.string {
            case "text": return .text("text")
            case "image": return ToolResult([.image(base64: png, mimeType: "image/png")])
            case "audio": return ToolResult([.audio(base64: wav, mimeType: "audio/wav")])
            case "resource":
                return ToolResult([
                    .resource(uri: "fixture://note", mimeType: "text/plain", .text("a note"))
                ])
            case "resource_link":
                return ToolResult([
                    .resourceLink(uri: "fixture://note", name: "note", mimeType: "text/plain")
                ])
            default: return .failure("no such kind")
            }
        }
    }

    private var echo: RegisteredTool {
        fixture(
            "echo", #"{"value":{}}"#, outputSchema: JSONDocument(literal: #"{"type":"object"}"#)
        ) { arguments, _ in
            .structured {
                if let value = arguments?["value"] { $0.member("value", value) }
            }
        }
    }

    private func big(_ daemon: Daemon) -> RegisteredTool {
        fixture("big", #"{"bytes":{"type":"integer"},"delay_ms":{"type":"integer"}}"#) { arguments, _ in
            if let delay = arguments?["delay_ms"]?.integer {
                try? await daemon.sleep(for: .milliseconds(delay))
            }
            return .text(String(repeating: "x", count: Int(arguments?["bytes"]?.integer ?? 1)))
        }
    }

    private func toggle(_ daemon: Daemon) -> RegisteredTool {
        fixture("toggle", "{}") { [self] _, _ in
            hasExtra.withLock { $0.toggle() }
            await daemon.setTools(tools(daemon))
            return .text("toggled")
        }
    }
}
