import Cells
import JSON

/// What `copy_file` and `move_file` are asked for: from where, to where, and whether to replace.
struct TransferArguments {
    private let from: Parameter<String>
    private let to: Parameter<String>
    private static let overwrite = Parameter.flag("overwrite", "Replace what has that name, if anything has.")

    init(from: String, to: String) {
        self.from = Parameter.path("from", from)
        self.to = Parameter.path("to", to)
    }

    var parameters: [Schema.Member] { [from.required, to.required, Self.overwrite.optional] }

    func request(_ json: JSONValue?) throws(Arguments.Fault) -> FileRequest.Transfer {
        let arguments = try Arguments(json, known: parameters)
        return FileRequest.Transfer(
            from: try arguments.required(from), to: try arguments.required(to),
            overwrite: try arguments.required(Self.overwrite))
    }
}
