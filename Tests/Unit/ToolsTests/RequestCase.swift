import Testing

/// A call of a tool, what it asks of the cell, and what it needs to be allowed.
struct RequestCase<Request: Sendable>: Sendable, CustomTestStringConvertible {
    let tool: String
    let arguments: String
    let request: Request
    let needs: [String]

    init(_ tool: String, _ arguments: String, _ request: Request, needs: String...) {
        (self.tool, self.arguments, self.request, self.needs) = (tool, arguments, request, needs)
    }

    var testDescription: String { "\(tool) \(arguments)" }
}
