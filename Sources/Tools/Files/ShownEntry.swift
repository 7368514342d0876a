import Cells
import JSON

extension FileResult.FileKind {
    var name: String {
        switch self {
        case .regular: "file"
        case .directory: "directory"
        case .symbolicLink: "symlink"
        case .fifo: "fifo"
        case .socket: "socket"
        case .characterDevice: "character_device"
        case .blockDevice: "block_device"
        case .unknown: "unknown"
        }
    }

    /// As ls shows it.
    var letter: String {
        switch self {
        case .regular: "-"
        case .directory: "d"
        case .symbolicLink: "l"
        case .fifo: "p"
        case .socket: "s"
        case .characterDevice: "c"
        case .blockDevice: "b"
        case .unknown: "?"
        }
    }

    static var schema: Schema { .string("What it is", choices: allCases.map(\.name)) }
}

/// Permission bits.
enum FileMode {
    static func octal(_ mode: UInt16) -> String {
        let digits = String(mode & 0o7777, radix: 8)
        return String(repeating: "0", count: max(0, 3 - digits.count)) + digits
    }

    /// As ls shows them, such as rwxr-xr-x.
    static func letters(_ mode: UInt16) -> String {
        let special: [(bit: UInt16, letter: Character)] = [(0o4000, "s"), (0o2000, "s"), (0o1000, "t")]
        var letters = ""
        for (place, special) in special.enumerated() {
            let bits = mode >> (6 - 3 * UInt16(place))
            letters += bits & 4 != 0 ? "r" : "-"
            letters += bits & 2 != 0 ? "w" : "-"
            switch (mode & special.bit != 0, bits & 1 != 0) {
            case (true, true): letters.append(special.letter)
            case (true, false): letters += special.letter.uppercased()
            case (false, true): letters += "x"
            case (false, false): letters += "-"
            }
        }
        return letters
    }
}

/// A path of an answer, such as a client can ask for.
struct ShownPath {
    let text: String
    let isExact: Bool

    /// `name` is relative to what was asked for.
    init(_ name: FileResult.Name, below base: String) {
        let isWorkspace = base == "." || base == "./" || base.isEmpty
        text = isWorkspace ? name.text : base.hasSuffix("/") ? base + name.text : "\(base)/\(name.text)"
        isExact = name.isExact
    }

    init(_ text: String) { (self.text, isExact) = (text, true) }

    static let members: [Schema.Member] = [
        .required("path", .string("A path that other tools take")),
        .optional(
            "is_lossy", .boolean("The name is not UTF-8: what is not is U+FFFD here, and no tool finds it so")
        ),
    ]

    func write(to json: inout JSONWriter) {
        json.member("path", text)
        if !isExact { json.member("is_lossy", true) }
    }
}
