/// The command line of cloisterd.
package struct Options: Equatable, Sendable {
    package var standalone: String?
    package var idleSeconds = 120
    package var lineLimit = 16 << 20
    package var stallSeconds = 60
    package var isVerbose = false

    package enum Request: Equatable, Sendable {
        case serve(Options)
        case help
        case version
    }

    package struct Fault: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    package static let help = """
        Usage: cloisterd [OPTIONS]

        The system service through which AI applications use this machine. Started by systemd, it serves
        the socket that it is handed (cloisterd.socket); without systemd, see --standalone.

          --standalone DIR       keep everything under DIR and listen on DIR/mcp.sock
          --idle-timeout SECONDS end when socket-activated and without clients for so long
                                 (default 120; 0: never)
          --line-limit BYTES     the longest message (default 16777216)
          --stall-timeout SECONDS
                                 drop a client that takes nothing for so long (default 60)
          --verbose              say what every session does
          --version, --help
        """

    package static func parse(_ arguments: [String]) throws(Fault) -> Request {
        var options = Options()
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            // Both --name VALUE and --name=VALUE.
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            func value() throws(Fault) -> String {
                if parts.count == 2 { return String(parts[1]) }
                guard let next = rest.popFirst() else {
                    throw Fault(description: "\(name) needs a value")
                }
                return next
            }
            func number(_ range: ClosedRange<Int>) throws(Fault) -> Int {
                let text = try value()
                guard let number = Int(text), range.contains(number) else {
                    let bounds = "from \(range.lowerBound) to \(range.upperBound)"
                    throw Fault(description: "\(name) takes a number \(bounds), not \"\(text)\"")
                }
                return number
            }
            switch name {
            case "--standalone":
                let directory = try value()
                guard !directory.isEmpty else {
                    throw Fault(description: "--standalone needs a directory")
                }
                options.standalone = directory
            case "--idle-timeout": options.idleSeconds = try number(0...31_536_000)
            case "--line-limit": options.lineLimit = try number(1024...(1 << 30))
            case "--stall-timeout": options.stallSeconds = try number(1...86_400)
            case "--verbose" where parts.count == 1: options.isVerbose = true
            case "--help" where parts.count == 1, "-h" where parts.count == 1: return .help
            case "--version" where parts.count == 1: return .version
            default: throw Fault(description: "unknown option \(argument)")
            }
        }
        return .serve(options)
    }
}
