import CommandLine
import EventLoop
import Linux
import Tools

/// cloisterd from its first line to its last.
package enum Program {
    private enum ExitStatus {
        static let success: Int32 = 0
        static let failure: Int32 = 1
        static let usage: Int32 = 2
    }

    package static func run(
        _ arguments: [String], toolsPerPage: Int = 100, tools: @escaping Daemon.ToolSource
    ) -> Int32 {
        do throws(Options.Fault) {
            switch try Options.parse(Array(arguments.dropFirst())) {
            case .help: print(Options.help)
            case .version: print("cloisterd \(Daemon.version)")
            case .serve(let options):
                return serve(options, toolsPerPage: toolsPerPage, tools: tools)
            }
            return ExitStatus.success
        } catch {
            StandardError.write("cloisterd: \(error)\nTry cloisterd --help.\n")
            return ExitStatus.usage
        }
    }

    private static func serve(
        _ options: Options, toolsPerPage: Int, tools: @escaping Daemon.ToolSource
    ) -> Int32 {
        let log = Log.standardError(verbose: options.isVerbose)
        Signals.ignoreBrokenPipes()
        let passed = ServiceManager.passedDescriptors(
            environment: Process.environment, process: Int(Process.id))
        guard options.standalone != nil || passed > 0 else {
            log.error(
                """
                nothing to serve: no socket was passed by systemd. Start cloisterd.socket \
                (systemctl enable --now cloisterd.socket), or run cloisterd --standalone DIR.
                """)
            return ExitStatus.failure
        }
        var settings = Daemon.Settings()
        settings.session.lineLimit = options.lineLimit
        settings.session.mcp.json.bytes = max(options.lineLimit, 1024)
        settings.session.stream.stallTime = .seconds(options.stallSeconds)
        settings.toolsPerPage = toolsPerPage
        if passed > 0, options.idleSeconds > 0 { settings.idleTime = .seconds(options.idleSeconds) }
        // Without systemd nobody here has the privilege to act for somebody else.
        if options.standalone != nil, Process.userID != 0 { settings.onlyUser = Process.userID }
        // A session has two descriptors, its socket and its peer's pidfd.
        settings.mostSessions = min(settings.mostSessions, (Process.raiseFileLimit() - 64) / 2)

        do {
            let loop = try EventLoop()
            let manager = ServiceManager(
                environment: Process.environment, process: Int(Process.id))
            let daemon = Daemon(
                on: loop, settings: settings, log: log, manager: manager, tools: tools)
            try daemon.assumeIsolated { try $0.start() }
            if let directory = options.standalone {
                let standalone = try Standalone.claim(directory)
                let listener = Listener(try standalone.listen(), on: loop)
                try daemon.assumeIsolated { [path = standalone.socketPath] daemon in
                    try daemon.listen(on: listener)
                    daemon.becomeReady()
                    log.info("listening on \(path)")
                }
                try loop.run()
                standalone.removeSocket()
            } else {
                try serve(passed, by: daemon, on: loop, log)
                try loop.run()
            }
            return ExitStatus.success
        } catch {
            log.error("\(error)")
            return ExitStatus.failure
        }
    }

    /// The sockets that the service manager passed. Children must not think that they are meant.
    private static func serve(
        _ passed: Int, by daemon: Daemon, on loop: EventLoop, _ log: Log
    ) throws {
        let first = ServiceManager.firstDescriptor
        for number in first..<(first + passed) {
            let socket = try OwnedFD(inherited: number)
            try socket.closeOnExec()
            guard UnixSocket.isListening(socket) else {
                log.warning("descriptor \(number) was passed but is not a listening socket")
                continue
            }
            let listener = Listener(socket, on: loop)
            try daemon.assumeIsolated { try $0.listen(on: listener) }
        }
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { Process.unsetEnvironment(name) }
        daemon.assumeIsolated { $0.becomeReady() }
    }
}
