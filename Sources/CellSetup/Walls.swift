import Cells
import Linux

/// Puts up walls one after the other. One that cannot be had ends it all, unless this cell may lack it; then
/// its absence is on record.
package struct Walls {
    package private(set) var report: WallReport
    private let mayLack: WallSet

    package init(mayLack: WallSet, report: WallReport = WallReport()) {
        (self.mayLack, self.report) = (mayLack.dispensable, report)
    }

    package mutating func build(
        _ wall: Wall, _ body: () throws(SystemError) -> Void
    ) throws(CellRefusal) {
        do throws(SystemError) {
            try Injection.check(wall: wall.rawValue)
            try body()
        } catch {
            try miss(wall, because: "\(error)")
        }
    }

    /// A wall that was built, and does not stand.
    package mutating func check(
        _ wall: Wall, _ stands: Bool, _ otherwise: @autoclosure () -> String
    ) throws(CellRefusal) {
        if !stands, report.stands(wall) { try miss(wall, because: otherwise()) }
    }

    package mutating func miss(_ wall: Wall, because reason: String) throws(CellRefusal) {
        guard mayLack.contains(wall) else { throw CellRefusal(wall, because: reason) }
        // The first reason is the one that the others follow from.
        if report.stands(wall) { report.gaps.append(WallReport.Gap(wall, because: reason)) }
    }

    package mutating func found(landlockABI: Int) { report.landlockABI = UInt8(clamping: landlockABI) }
}
