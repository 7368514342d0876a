import YAML

/// Why a text of settings is left as it is.
package struct SettingsFault: Error, Equatable, CustomStringConvertible, Sendable {
    package let place: TextPlace?
    package let problem: String

    package init(_ place: TextPlace?, _ problem: String) { (self.place, self.problem) = (place, problem) }

    package var description: String {
        place.map { "line \($0.line), column \($0.column): \(problem)" } ?? problem
    }
}
