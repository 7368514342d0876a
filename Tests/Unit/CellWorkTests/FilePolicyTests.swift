import Cells
import Foundation
import Linux
import Patterns
import TestSupport
import Testing

@testable import CellWork

/// A directory that is open, and was moved to where no place is: no rule can be about it.
@Suite("FilePolicy: what cannot be placed is denied")
struct FilePolicyTests {
    private let cell: TestCell
    private let location: Location
    private let directory: OpenDirectory

    init() throws {
        cell = try TestCell()
        try cell.put("d/inside/file", "text")
        let everything = PathPattern.everything
        let rules = FileRules(
            FileRules.Act.allCases.map { FileRules.Entry($0, .allow, everything, rule: "one") }
                + [.init(.read, .deny, try PathPattern.patterns("/nowhere")[0], rule: "two")])
        location = try PathResolver(places: [cell.workspace], rules: rules).locate("d")
        directory = try location.openDirectory()
    }

    private func moveOut() throws {
        try FileManager.default.moveItem(atPath: cell.root + "/d", toPath: cell.outside + "/d")
    }

    private var seen: [String] {
        get throws {
            var rules = TreeWalk.Rules()
            rules.obey(location.policy, below: directory, in: location.place)
            let walk = TreeWalk(directory, rules)
            var names: [String] = []
            while true {
                switch try walk.next() {
                case .visit(let visit): names.append(visit.name.description)
                case .crowded, .pause: continue
                case .end: return names
                }
            }
        }
    }

    @Test("A walk shows nothing of it", arguments: [false, true])
    func walk(isMoved: Bool) throws {
        if isMoved { try moveOut() }
        #expect(try seen == (isMoved ? [] : ["inside", "file"]))
    }

    @Test("A tree below it is not moved or deleted")
    func tree() throws {
        let entry = Location.Entry(directory: directory, name: FileName("inside"))
        try location.checkTree(entry, for: .read, .write)
        try moveOut()
        let failure = #expect(throws: CellFailure.self) { try location.checkTree(entry, for: .read, .write) }
        #expect(failure?.kind == .deniedByPolicy)
    }

    @Test("Nothing is copied to it")
    func copy() throws {
        let resolver = PathResolver(places: [cell.workspace], rules: location.policy.rules)
        let from = try resolver.locate("d/inside")
        try cell.put("elsewhere/file")
        let source = try resolver.locate("elsewhere")
        let target = Location.Entry(directory: try from.openDirectory(), name: FileName("copy"))
        try moveOut()
        let failure = #expect(throws: CellFailure.self) {
            try source.checkTree(
                source.entry(for: .read), for: .read, movedTo: (from, target))
        }
        #expect(failure?.kind == .deniedByPolicy)
    }
}
