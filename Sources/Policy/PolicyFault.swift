import YAML

/// What is wrong with a policy file, and where. Lines and columns begin with 1.
package struct PolicyFault: Error, Equatable, CustomStringConvertible, Sendable {
    package let file: String
    package let place: TextPlace?
    package let problem: String

    package init(_ file: String, _ place: TextPlace? = nil, _ problem: String) {
        (self.file, self.place, self.problem) = (file, place, problem)
    }

    package var description: String {
        place.map { "\(file):\($0.line):\($0.column): \(problem)" } ?? "\(file): \(problem)"
    }
}
