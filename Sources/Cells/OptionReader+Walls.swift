import CommandLine

extension OptionReader {
    /// The value of --best-effort.
    package mutating func walls() throws(Fault) -> WallSet {
        let list = try value()
        switch WallSet.parse(list) {
        case .success(let walls): return walls
        case .failure(let unknown): throw Fault("--best-effort: \(unknown)")
        }
    }
}
