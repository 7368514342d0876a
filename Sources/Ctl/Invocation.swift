import CommandLine

/// A command with what was said on its command line.
package struct Invocation: Sendable {
    package let output: Output
    package private(set) var places = Places(root: nil)
    package private(set) var isJSON = false
    package private(set) var operands: [String] = []
    private var values: [String: String] = [:]

    /// What the first words turn out to be.
    enum Reading {
        case help(String)
        case version
        case run(Command, Invocation)
    }

    private init(output: Output) { self.output = output }

    /// The value of an option of the command, or "" for a flag; `nil` when it was not given.
    package func value(_ option: String) -> String? { values[option] }
    package func isGiven(_ option: String) -> Bool { values[option] != nil }

    /// An option's value among words.
    package func choice(_ option: String, _ words: [String]) throws(CtlFault) -> String? {
        guard let word = values[option] else { return nil }
        guard words.contains(word) else {
            throw .usage("\(option) takes \(words.joined(separator: ", ")), not \"\(word)\"")
        }
        return word
    }

    // MARK: Reading

    static func read(_ arguments: [String], output: Output) throws(CtlFault) -> Reading {
        var invocation = Invocation(output: output)
        // Up to the command there can only be what all of them have.
        var place = 0
        while place < arguments.count, arguments[place].hasPrefix("-") {
            if arguments[place] == "--version" { return .version }
            var reader = OptionReader(Array(arguments[place...]))
            if try invocation.readOption(&reader, of: nil) { return .help(Commands.help) }
            place = arguments.count - reader.remaining().count
        }
        let words = arguments[place...]
        guard let first = words.first else { throw .usage("a command is needed") }
        if first == "help" { return .help(Commands.help) }
        guard let (command, count) = Commands.find(words) else { throw .usage("unknown command \(first)") }
        var reader = OptionReader(Array(words.dropFirst(count)))
        while try invocation.readNext(&reader, of: command) {
            if invocation.wantsHelp { return .help(command.help) }
        }
        return .run(command, invocation)
    }

    private var wantsHelp = false

    /// False at the end.
    private mutating func readNext(
        _ reader: inout OptionReader, of command: Command
    ) throws(CtlFault) -> Bool {
        var ahead = reader
        guard ahead.next() != nil else { return false }
        if ahead.argument == "--" {
            operands += ahead.remaining()
            reader = ahead
        } else if ahead.isOperand {
            operands.append(ahead.argument)
            reader = ahead
        } else {
            wantsHelp = try readOption(&reader, of: command)
        }
        guard operands.isEmpty || command.operands != nil else {
            throw .usage("\(command.name) does not take \"\(operands[0])\"")
        }
        return true
    }

    /// True when help is wanted.
    private mutating func readOption(
        _ reader: inout OptionReader, of command: Command?
    ) throws(CtlFault) -> Bool {
        guard let name = reader.next() else { return false }
        let options = (command?.options ?? []) + Command.common
        do throws(OptionReader.Fault) {
            guard let option = options.first(where: { $0.isNamed(name) }) else { throw reader.unknown() }
            if option.value != nil {
                values[option.name] = try reader.value()
            } else {
                try reader.flag()
                values[option.name] = ""
            }
            switch option.name {
            case "--root": places = Places(root: values[option.name])
            case "--json": isJSON = true
            case "--help": return true
            default: break
            }
            return false
        } catch {
            throw .usage(error.description)
        }
    }
}
