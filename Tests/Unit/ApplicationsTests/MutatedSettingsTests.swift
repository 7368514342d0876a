import TestSupport
import Testing

@testable import Applications

@Suite("Settings that somebody has damaged") struct MutatedSettingsTests {
    static let samples =
        JSONSettingsTests.samples + TOMLSettingsTests.samples + YAMLSettingsTests.samples
        + KnownApplicationsTests.real

    @Test(
        "Whatever the bytes are, they are refused or understood, and what is written can be taken back",
        arguments: 0..<40)
    func mutated(seed: Int) throws {
        var random = SeededGenerator(seed: seed)
        for sample in Self.samples {
            let connection = try Editing(sample.application).connection
            for text in [sample.before, sample.after] where !text.isEmpty {
                let bytes = Self.damaged(Array(text.utf8), using: &random)
                check(connection, bytes)
            }
        }
    }

    private func check(_ connection: Connection, _ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        switch try? connection.connecting(Editing.server, in: bytes) {
        case .added(let connected)?:
            #expect(connection.isAdded(Editing.server, to: bytes, in: connected), "\(text)")
            let without = try? connection.disconnecting(connected)?.bytes
            #expect(without != nil, "\(text)")
            #expect((try? connection.state(of: without ?? [])) == .absent, "\(text)")
        case .updated(let connected)?:
            #expect((try? connection.state(of: connected)) == .connected(Editing.server), "\(text)")
        case .some(.none), nil: break
        }
        _ = try? connection.disconnecting(bytes)
    }

    /// Bytes that mean something to one of the three languages, and others.
    private static let bytes = Array("{}[]\":,#/*\\\n\r\t -&!|>?'=.~é\u{0}\u{2028}".utf8) + [0xFF, 0xC3]

    private static func damaged(_ bytes: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0...3, using: &random) {
            case 0: bytes.insert(Self.bytes.randomElement(using: &random)!, at: place)
            case 1 where place < bytes.count: bytes[place] = Self.bytes.randomElement(using: &random)!
            case 2 where place < bytes.count: bytes.remove(at: place)
            default:
                bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 0...20, using: &random)))
            }
        }
        return bytes
    }
}
