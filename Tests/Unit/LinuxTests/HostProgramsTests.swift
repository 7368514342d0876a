import Testing

@testable import Linux

struct HostProgramsTests {
    @Test func `a name is found in the system's directories and nowhere else`() throws {
        let shell = try #require(HostPrograms.find("sh"))
        #expect(HostPrograms.directories.contains { shell == "\($0)/sh" })
        #expect(HostPrograms.find("no-such-program") == nil)
        // A directory is no program, and a name leads nowhere else.
        #expect(HostPrograms.find(".") == nil)
        #expect(HostPrograms.find("") == nil)
    }

    @Test func `a path of the system's directories has one form, and any other stays as it is`() throws {
        let shell = try #require(HostPrograms.find("sh"))
        #expect(HostPrograms.find("/bin/sh") == shell)
        #expect(HostPrograms.find(shell) == shell)
        for path in ["/opt/x", "/usr/bin/deep/x", "/usr/local/bin/no-such-program"] {
            #expect(HostPrograms.find(path) == path)
        }
    }
}
