import Foundation
import Linux

/// The real dbus-daemon, at a socket of its own.
package final class RunningBus: Sendable {
    package let directory: TemporaryDirectory
    private let program: RunningProgram

    package init(in directory: TemporaryDirectory) throws {
        self.directory = directory
        let configuration = directory.path + "/bus.conf"
        let socket = Self.socket(in: directory)
        try """
        <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
         "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
        <busconfig>
          <listen>unix:path=\(socket)</listen>
          <auth>EXTERNAL</auth>
          <policy context="default">
            <allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/>
          </policy>
        </busconfig>
        """.write(toFile: configuration, atomically: false, encoding: .utf8)
        try? FileManager.default.removeItem(atPath: socket)
        let program = try Launch("/usr/bin/dbus-daemon", ["--nofork", "--config-file=\(configuration)"])
            .start()
        self.program = program
        try Deadline().wait(for: "the bus's socket") {
            guard program.isRunning else { throw TestFault("dbus-daemon ended: \(program.said)") }
            // It has a name before anybody listens.
            return (try? UnixSocket.connect(to: socket)) != nil
        }
    }

    package static func socket(in directory: TemporaryDirectory) -> String { directory.path + "/bus.sock" }
    package static func address(in directory: TemporaryDirectory) -> String {
        "unix:path=\(socket(in: directory))"
    }

    package func end() throws {
        program.kill(SIGKILL)
        try program.waitForEnd()
    }

    /// It answers nobody, and nobody notices.
    package func stand(still: Bool) { program.kill(still ? SIGSTOP : SIGCONT) }
}
