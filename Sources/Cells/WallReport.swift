/// Why there is no cell: which wall could not be had, what the kernel said, and what helps.
package struct CellRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    /// `nil` when it was not for a wall: a limit, a client that is gone.
    package var wall: Wall?
    package var reason: String
    package var remedy: String

    /// A wall that the kernel would not build.
    package init(_ wall: Wall, because reason: String) {
        (self.wall, self.reason, remedy) = (wall, reason, wall.remedy)
    }

    package init(_ reason: String, remedy: String) {
        (wall, self.reason, self.remedy) = (nil, reason, remedy)
    }

    package var description: String {
        let what = wall.map { "no cell without its wall \($0.rawValue) (\($0.purpose))" } ?? "no cell"
        return "\(what): \(reason). What helps: \(remedy)"
    }

    static let longestText = 1024

    package func write(to writer: inout ByteWriter) {
        writer.integer(wall.map { UInt8($0.number + 1) } ?? 0)
        writer.text(Self.bounded(reason))
        writer.text(Self.bounded(remedy))
    }

    package init(from reader: inout ByteReader) throws(CodingFault) {
        let number = try reader.integer("wall", in: 0...UInt8(Wall.allCases.count))
        wall = number == 0 ? nil : Wall.allCases[Int(number) - 1]
        reason = try reader.text("reason", most: Self.longestText)
        remedy = try reader.text("remedy", most: Self.longestText)
    }

    static func bounded(_ text: String) -> String {
        String(text.unicodeScalars.filter { $0.value != 0 }).cut(to: longestText)
    }
}

/// How the walls of a cell stand: all of them, but for those that it may lack.
package struct WallReport: Equatable, Sendable {
    /// Why each of the missing ones is missing.
    package struct Gap: Equatable, Sendable {
        package let wall: Wall
        package let reason: String

        package init(_ wall: Wall, because reason: String) {
            (self.wall, self.reason) = (wall, reason)
        }
    }

    package var gaps: [Gap] = []
    /// 0 when there is none.
    package var landlockABI: UInt8 = 0

    package init() {}

    package func stands(_ wall: Wall) -> Bool { !gaps.contains { $0.wall == wall } }

    package func write(to writer: inout ByteWriter) {
        writer.integer(landlockABI)
        writer.integer(UInt8(gaps.count))
        for gap in gaps {
            writer.integer(UInt8(gap.wall.number))
            writer.text(CellRefusal.bounded(gap.reason))
        }
    }

    package init(from reader: inout ByteReader) throws(CodingFault) {
        landlockABI = try reader.integer("landlockABI")
        let count = try reader.integer("gaps", in: 0...UInt8(Wall.allCases.count))
        for _ in 0..<count {
            let number = try reader.integer("wall", in: 0...UInt8(Wall.allCases.count - 1))
            let reason = try reader.text("reason", most: CellRefusal.longestText)
            gaps.append(Gap(Wall.allCases[Int(number)], because: reason))
        }
    }
}
