import EventLoop
import JSON
import MCP
import Synchronization
import Tools

/// Tools that do what a test tells them to, when it does.
final class FixtureTools: Sendable {
    private struct State {
        var held: [String: CheckedContinuation<Bool, Never>] = [:]
        var events: [String] = []
    }

    private let state = Mutex(State())

    /// What has happened in the tools, in order: "began a", "ended a", "cancelled a".
    var events: [String] { state.withLock { $0.events } }

    private func note(_ event: String) { state.withLock { $0.events.append(event) } }

    /// Lets the call of `hold` or `stubborn` with that name go on.
    func release(_ name: String) {
        state.withLock { $0.held.removeValue(forKey: name) }?.resume(returning: true)
    }

    private func cancel(_ name: String) {
        state.withLock { $0.held.removeValue(forKey: name) }?.resume(returning: false)
    }

    private func hold(_ name: String) async -> Bool {
        await withCheckedContinuation { continuation in
            state.withLock { $0.held[name] = continuation }
        }
    }

    func tools(on loop: EventLoop) -> [RegisteredTool] {
        [hold, stubborn, sleep(on: loop), report, big]
    }

    static func tool(
        _ name: String, _ run: @escaping RegisteredTool.PlainBody = { _, _ in .text("done") }
    ) -> RegisteredTool {
        RegisteredTool(
            Tool(
                name: name, title: name, description: "For tests",
                inputSchema: JSONDocument(literal: #"{"type":"object"}"#),
                annotations: Tool.Annotations(readOnly: true)), run: run)
    }

    /// Waits until it is released or cancelled.
    private var hold: RegisteredTool {
        Self.tool("hold") { [self] arguments, _ in
            let name = arguments?["name"]?.string ?? ""
            note("began \(name)")
            let wasReleased = await withTaskCancellationHandler {
                Task.isCancelled ? false : await hold(name)
            } onCancel: {
                cancel(name)
            }
            note(wasReleased ? "ended \(name)" : "cancelled \(name)")
            return .text(name)
        }
    }

    /// Waits until it is released, cancelled or not.
    private var stubborn: RegisteredTool {
        Self.tool("stubborn") { [self] arguments, reporter in
            let name = arguments?["name"]?.string ?? ""
            note("began \(name)")
            _ = await hold(name)
            await reporter.progress(1, of: 1, message: "too late?")
            note("ended \(name)")
            return .text(name)
        }
    }

    private func sleep(on loop: EventLoop) -> RegisteredTool {
        Self.tool("sleep") { [self] arguments, _ in
            let seconds = arguments?["seconds"]?.integer ?? 1
            do throws(CancellationError) {
                try await loop.sleep(for: .seconds(seconds))
                return .text("slept \(seconds)")
            } catch {
                note("cancelled sleep")
                return .failure("cancelled")
            }
        }
    }

    private var report: RegisteredTool {
        Self.tool("report") { arguments, reporter in
            let steps = arguments?["steps"]?.integer ?? 2
            for step in 1...steps {
                await reporter.progress(Double(step), of: Double(steps), message: "step \(step)")
                await reporter.log(.info, logger: "report", data: Array("\(step)".utf8))
            }
            return .text("reported")
        }
    }

    private var big: RegisteredTool {
        Self.tool("big") { [self] arguments, _ in
            note("began big")
            return .text(String(repeating: "x", count: Int(arguments?["bytes"]?.integer ?? 1)))
        }
    }
}
