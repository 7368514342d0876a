import CommandLine
import JSON
import Linux

/// cloister-bridge from its first line to its last.
package enum BridgeProgram {
    package static func run(_ arguments: [String]) -> Int32 {
        BridgeOptions.run(arguments, complain: StandardError.write, connect)
    }

    private static func connect(_ options: BridgeOptions) -> Int32 {
        Signals.ignoreBrokenPipes()
        do throws(SystemError) {
            // Before anything is opened: what is opened would get the number of one that is missing.
            let input = try OwnedFD(inherited: 0)
            let output = try OwnedFD(inherited: 1)
            let parent = watchParent()
            let path =
                options.socket
                ?? BridgeOptions.usualSocket(runtimeDirectory: Process.environment("XDG_RUNTIME_DIR")) {
                    File.kind(of: $0) != nil
                }
            let socket: OwnedFD
            do throws(SystemError) {
                socket = try UnixSocket.connect(to: path, waiting: true)
            } catch {
                let refusal = Refusal(error, socket: path)
                complain(refusal.explanation)
                try refusal.serve(input, output, until: parent)
                return ExitStatus.failure
            }
            let pump = Pump(
                input: input, output: output, socket: socket, parent: parent,
                greeting: greeting(options.client))
            switch try pump.run() {
            case .finished, .parentEnded: return ExitStatus.success
            case .daemonWentAway:
                complain("cloisterd closed the connection")
                return ExitStatus.failure
            }
        } catch {
            complain("\(error)")
            return ExitStatus.failure
        }
    }

    /// A parent that has ended meanwhile was replaced by another process, which is then the one to watch.
    private static func watchParent() -> OwnedFD? {
        while true {
            let parent = Process.parent
            let watched = try? ProcessFD.open(parent)
            if Process.parent == parent { return watched }
        }
    }

    /// A notification that only cloisterd knows; any MCP server would ignore it.
    private static func greeting(_ client: String?) -> [UInt8] {
        guard let client else { return [] }
        return JSONWriter.bytes {
            $0.object {
                $0.member("jsonrpc", "2.0")
                $0.member("method", "notifications/cloister/client")
                $0.object("params") { $0.member("name", client) }
            }
        } + [0x0A]
    }

    private static func complain(_ text: String) {
        StandardError.write("\(BridgeOptions.program): \(text)\n")
    }
}
