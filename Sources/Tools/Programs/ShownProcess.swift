import Cells
import JSON

/// A program of start_process, as it is shown.
struct ShownProcess {
    private let status: ProcessStatus

    init(_ status: ProcessStatus) { self.status = status }

    static let members: [Schema.Member] = [
        .required("process", .count("What the other process tools know it by")),
        .required("pid", .count("What the cell's kernel knows it by")),
        .required("command", .string()),
        .required("is_running", .boolean()),
        .required("running_seconds", .number()),
        .optional("end", .object(ShownEnd.members)),
    ]

    static let argument = Parameter<Int>.integer(
        "process", "The number that start_process answered with.", 1...Int(UInt32.max))

    var line: String {
        let state: String
        if let end = status.end {
            state = "\(ShownEnd(end).cause), \(ShownEnd(end).usage)"
        } else {
            state = "running for \(ShownEnd.seconds(status.runningMicroseconds)) s"
        }
        let command = FileListing.oneLine(status.command)
        return "process \(status.process) (pid \(status.pid)): \(state): \(command)"
    }

    func write(to json: inout JSONWriter) {
        json.member("process", status.process)
        json.member("pid", status.pid)
        json.member("command", status.command)
        json.member("is_running", status.end == nil)
        json.member("running_seconds", Double(status.runningMicroseconds) / 1e6)
        if let end = status.end { json.object("end") { ShownEnd(end).write(to: &$0) } }
    }
}
