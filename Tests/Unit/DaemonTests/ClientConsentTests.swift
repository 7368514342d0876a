import EventLoop
import MCP
import Testing

@testable import Daemon

/// A question that a session puts to its client.
@Suite struct ClientConsentTests {
    private func asking() throws -> ServedSession {
        let served = try ServedSession(rule: "ask: TOOL, via: client")
        try served.client.initialize(capabilities: #""elicitation":{}"#)
        try served.client.call(1, "report")
        #expect(try served.client.receive() == ["elicitation/create"])
        return served
    }

    @Test func `nobody answers, which is a denial in time, and a late answer is none`() throws {
        let served = try asking()
        try served.advance(by: .seconds(119))
        #expect(try served.client.receive() == [])
        try served.advance(by: .seconds(2))
        #expect(
            try served.client.receive() == [
                "notifications/cancelled 1",
                "1: failed: A person had to be asked, and nobody answered in time.",
            ])
        try served.client.send(
            #"{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{"answer":"Allow once"}}}"#)
        #expect(try served.client.receive() == [])
    }

    @Test func `an answer lets the call go on, and one that was not offered does not`() throws {
        for (answer, isAllowed) in [("Allow once", true), ("Allow for ever", false)] {
            let served = try asking()
            try served.client.send(
                #"{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{"answer":"\#(answer)"}}}"#)
            let heard = try served.client.receive()
            #expect((heard == ["1: failed: The application's user denied it."]) == !isAllowed)
        }
    }

    @Test func `a sealed number comes back, and nothing else does`() throws {
        let seal = try Seal()
        let closed = try seal.closed(77)
        #expect(seal.opened(closed) == 77)
        #expect(try seal.closed(77) != closed)
        #expect(try Seal().opened(closed) == nil)
        for (place, character) in closed.enumerated() {
            var changed = Array(closed)
            changed[place] = character == "0" ? "1" : "0"
            #expect(seal.opened(String(changed)) == nil)
        }
        for wrong in ["", "00", String(closed.dropLast(2)), closed + "00", closed.uppercased()] {
            #expect(seal.opened(wrong) == nil)
        }
    }
}
