import Audit
import Bus
import CommandLine
import EventLoop
import Linux
import PolicyFiles
import Tools

/// cloisterd from its first line to its last.
package enum Program {
    package static func run(
        _ arguments: [String], toolsPerPage: Int = 100, tools: @escaping Daemon.ToolSource
    ) -> Int32 {
        Options.run(arguments, complain: StandardError.write) {
            serve($0, toolsPerPage: toolsPerPage, tools: tools)
        }
    }

    private static func serve(
        _ options: Options, toolsPerPage: Int, tools: @escaping Daemon.ToolSource
    ) -> Int32 {
        let log = Log.standardError(verbose: options.isVerbose)
        Signals.ignoreBrokenPipes()
        let passed = ServiceManager.passedDescriptors(
            environment: Process.environment, process: Int(Process.id))
        guard options.standalone != nil || !passed.isEmpty else {
            log.error(
                """
                nothing to serve: no socket was passed by systemd. Start cloisterd.socket \
                (systemctl enable --now cloisterd.socket), or run cloisterd --standalone DIR.
                """)
            return ExitStatus.failure
        }
        do {
            Allocator.keep(keptMemory)
            // Records that find no room are an error, and not our end.
            Signals.ignoreFileLimit()
            // Before anything else opens a descriptor, which could get the number of one that is missing.
            let kept = KeptDescriptors()
            let passed = try claimSockets(passed, kept)
            let loop = try EventLoop()
            // The directory is ours alone before anything is kept there.
            let standalone = try options.standalone.map { try Standalone.claim($0) }
            let celld = celldLink(options, on: loop, log: log)
            let manager = ServiceManager(environment: Process.environment, process: Int(Process.id))
            let commands = commandsLink(options, celld, on: loop, log: log)
            let store = options.handsOver ? DescriptorStore(manager) : nil
            if let store {
                celld.assumeIsolated { $0.keep(in: store, as: DescriptorStore.Name.celld) }
                if commands !== celld {
                    commands.assumeIsolated { $0.keep(in: store, as: DescriptorStore.Name.commands) }
                }
            }
            let daemon = try Daemon(
                on: loop,
                settings: try settings(options, isActivated: !passed.isEmpty, toolsPerPage: toolsPerPage),
                log: log, manager: manager, celld: celld, commands: commands, store: store, tools: tools)
            try daemon.assumeIsolated { try $0.start() }
            if let directory = options.standalone {
                let control = Listener(try standalone!.listenForAdministration(), on: loop)
                try daemon.assumeIsolated { try $0.administer(on: control) }
                // Where somebody else holds a socket for us (a user's systemd), clients come through that one alone:
                // ours would go with every idle end.
                if passed.isEmpty {
                    let listener = Listener(try standalone!.listen(), on: loop)
                    try daemon.assumeIsolated { try $0.listen(on: listener) }
                    log.info("listening on \(directory)/mcp.sock")
                }
            }
            daemon.assumeIsolated { $0.takeOver(kept) }
            for socket in passed {
                let listener = Listener(try socket.fd.duplicate(), on: loop)
                try daemon.assumeIsolated { try $0.listen(on: listener) }
            }
            daemon.assumeIsolated { $0.becomeReady() }
            try loop.run()
            if standalone != nil { standalone!.removeSocket() }
            return ExitStatus.success
        } catch {
            log.error("\(error)")
            return ExitStatus.failure
        }
    }

    /// A secret that the service manager hands us (LoadCredential=), if it does.
    private static func credential(_ name: String) -> String? {
        guard let directory = Process.environment("CREDENTIALS_DIRECTORY"), !directory.isEmpty else {
            return nil
        }
        let path = directory + "/" + name
        return File.kind(of: path) == nil ? nil : path
    }

    /// Free memory that is not given back: some large answers at a time.
    private static let keptMemory = 8 << 20

    private static func celldLink(
        _ options: Options, on loop: EventLoop, log: Log
    ) -> CelldLink {
        guard let directory = options.standalone else {
            return CelldLink(.socket(options.celldSocket), on: loop, log: log)
        }
        var arguments = ["--state", directory]
        if !options.mayLack.isEmpty {
            arguments += ["--best-effort", options.mayLack.walls.map(\.rawValue).joined(separator: ",")]
        }
        return CelldLink(.child(arguments), on: loop, log: log)
    }

    /// Under systemd commands on the host have a celld of their own, whose unit does not narrow them.
    private static func commandsLink(
        _ options: Options, _ celld: CelldLink, on loop: EventLoop, log: Log
    ) -> CelldLink {
        let socket = options.commandsSocket ?? "/run/cloister/commands.sock"
        guard options.standalone == nil, socket != options.celldSocket else { return celld }
        return CelldLink(.socket(socket), unit: "cloister-commands.socket", on: loop, log: log)
    }

    private static func settings(
        _ options: Options, isActivated: Bool, toolsPerPage: Int
    ) throws(BusError) -> Daemon.Settings {
        var settings = Daemon.Settings()
        settings.session.lineLimit = options.lineLimit
        settings.session.mcp.json.bytes = max(options.lineLimit, 1024)
        settings.session.stream.stallTime = .seconds(options.stallSeconds)
        settings.toolsPerPage = toolsPerPage
        settings.cell.mayLack = options.mayLack
        settings.cell.isEphemeral = options.isEphemeral
        let state = options.standalone ?? "/var/lib/cloister"
        if options.audit != "none" {
            settings.audit = (
                AuditDirectory(options.audit ?? state + "/audit", key: credential("cloister.audit-key")),
                options.standalone == nil && options.audit == nil ? "/run/systemd/journal/socket" : nil
            )
        }
        settings.grants = options.standalone == nil && options.audit != nil ? nil : state + "/grants"
        settings.bus = try .ofSystem()
        settings.servesBus = options.servesBus ?? (options.standalone == nil)
        settings.policy =
            !options.policy.isEmpty
            ? .only(options.policy) : options.standalone.map { .standalone($0) } ?? .system
        if isActivated, options.idleSeconds > 0 { settings.idleTime = .seconds(options.idleSeconds) }
        if options.standalone != nil, Process.userID != 0 {
            // Without systemd nobody here has the privilege to act for somebody else.
            settings.onlyUser = Process.userID
        }
        // A session has four descriptors: its socket, its peer's pidfd, its journal and its cell.
        settings.mostSessions = min(
            settings.mostSessions, max(1, (Process.raiseFileLimit() - 64) / 4))
        return settings
    }

    /// A socket that the service manager passed.
    private final class PassedSocket {
        let fd: OwnedFD
        init(_ fd: consuming OwnedFD) { self.fd = fd }
    }

    private struct UnusableSocket: Error, CustomStringConvertible {
        let description: String
    }

    /// All of them or none: a unit that passes something else is wrong, and is told so. What a process before us left is
    /// put aside.
    private static func claimSockets(
        _ names: [String], _ kept: KeptDescriptors
    ) throws -> [PassedSocket] {
        let first = ServiceManager.firstDescriptor
        let sockets: [PassedSocket] = try names.enumerated().compactMap { place, name in
            let number = first + place
            let socket = try OwnedFD(inherited: number)
            try socket.closeOnExec()
            if DescriptorStore.Name.isOne(name) {
                kept.add(socket, as: name)
                return nil
            }
            guard UnixSocket.isListening(socket) else {
                throw UnusableSocket(
                    description: """
                        descriptor \(number), which systemd passed, is not a listening Unix stream \
                        socket; see ListenStream= of cloisterd.socket
                        """)
            }
            return PassedSocket(socket)
        }
        // Children must not think that they are meant.
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { Process.unsetEnvironment(name) }
        return sockets
    }
}
