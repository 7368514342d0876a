import Testing

@testable import Cells

@Suite struct CellPlanTests {
    static let full: CellPlan = {
        var plan = CellPlan(
            application: "editor-1.2_x", isEphemeral: true,
            trees: [
                CellPlan.Tree("/home/me/project", isWritable: true),
                CellPlan.Tree("/srv/déjà vu", isWritable: false),
                CellPlan.Tree("/srv/asked", isWritable: true, programs: .read),
            ], mayLack: WallSet([.cgroup, .timens]))
        plan.limits.tasks = 77
        plan.limits.memoryMost = 1 << 40
        return plan
    }()

    @Test("A plan comes back as it went", arguments: [full, CellPlan(application: "a")])
    func roundTrip(plan: CellPlan) throws {
        #expect(try CellPlan(decoding: plan.encoded[...]) == plan)
    }

    @Test("A plan cut anywhere is refused, and so is one with a byte more")
    func cut() {
        let bytes = Self.full.encoded
        for length in bytes.indices {
            #expect(throws: CodingFault.self) { try CellPlan(decoding: bytes[..<length]) }
        }
        #expect(throws: CodingFault.self) { try CellPlan(decoding: (bytes + [0])[...]) }
    }

    @Test("A changed byte gives an equal-length plan or a fault, never anything else")
    func flipped() {
        let bytes = Self.full.encoded
        for place in bytes.indices {
            for mask: UInt8 in [0x01, 0x80, 0xFF] {
                var changed = bytes
                changed[place] ^= mask
                if let plan = try? CellPlan(decoding: changed[...]) {
                    #expect(plan.encoded == changed)
                    #expect(CellPlan.isApplication(plan.application))
                    #expect(plan.trees.allSatisfy { CellPlan.isTreePath($0.path) })
                }
            }
        }
    }

    @Test(
        "A length is compared with the field's limit before anything is taken",
        arguments: [UInt32.max, 65, 1 << 31])
    func lengths(count: UInt32) {
        var writer = ByteWriter()
        writer.integer(CellPlan.version)
        writer.integer(count)
        #expect(throws: CodingFault.self) { try CellPlan(decoding: writer.bytes[...]) }
    }

    @Test(
        "A tree is an absolute path that names one place",
        arguments: [
            ("/home/me", true), ("/a", true), ("/home/..me/.x", true), ("/", false), ("", false),
            ("home", false), ("/home/", false), ("//home", false), ("/home//me", false),
            ("/home/./me", false), ("/home/../etc", false), ("/..", false), ("/a\0b", false),
            ("/" + String(repeating: "x", count: 4095), false),
        ])
    func paths(path: String, isGood: Bool) {
        #expect(CellPlan.isTreePath(path) == isGood)
        let plan = CellPlan(application: "a", trees: [CellPlan.Tree(path, isWritable: true)])
        #expect((try? CellPlan(decoding: plan.encoded[...])) == (isGood ? plan : nil))
    }

    @Test(
        "An application's name cannot leave its directory",
        arguments: [
            ("a", true), ("my-editor_2.0", true), (String(repeating: "a", count: 64), true),
            (String(repeating: "a", count: 65), false), ("", false), (".", false), ("..", false),
            (".x", false), ("a/b", false), ("A", false), ("é", false), ("a\0", false), ("a\n", false),
        ])
    func applications(name: String, isGood: Bool) {
        #expect(CellPlan.isApplication(name) == isGood)
        #expect(((try? CellPlan(decoding: CellPlan(application: name).encoded[...])) != nil) == isGood)
    }

    @Test("Limits out of range are refused by name")
    func limits() {
        var plan = CellPlan(application: "a")
        plan.limits.tasks = 1
        #expect {
            try CellPlan(decoding: plan.encoded[...])
        } throws: { ($0 as? CodingFault)?.field == "tasks" }
    }
}

@Suite struct WallTests {
    @Test("Every wall has a name of its own, a purpose and a remedy, and a bit in a set")
    func walls() {
        #expect(Set(Wall.allCases.map(\.rawValue)).count == Wall.allCases.count)
        for wall in Wall.allCases {
            #expect(Wall(rawValue: wall.rawValue) == wall)
            #expect(!wall.purpose.isEmpty && !wall.remedy.isEmpty)
            #expect(WallSet([wall]).walls == [wall])
            #expect(!WallSet.all.subtracting(WallSet([wall])).contains(wall))
        }
        #expect(WallSet.all.walls == Wall.allCases)
    }
}
