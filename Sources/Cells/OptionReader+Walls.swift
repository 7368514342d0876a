import CommandLine

extension OptionReader {
    /// The value of --best-effort.
    package mutating func walls() throws(Fault) -> WallSet {
        let list = try value()
        switch WallSet.parse(list) {
        case .success(let walls):
            if let wall = walls.intersection(.indispensable).walls.first {
                throw Fault("\(name) cannot name \(wall.rawValue): there is no cell without it")
            }
            return walls
        case .failure(let unknown): throw Fault("\(name): \(unknown)")
        }
    }
}
