import JSON
import MCP
import TestSupport
import Testing

struct ResponseLineTests {
    /// Everything that a session says in a conversation of this revision, with requests under these ids.
    private func lines(in revision: Revision, _ ids: [String]) throws -> [String] {
        var talk = Conversation()
        talk.open(revision)
        var lines: [String] = []
        for id in ids {
            lines += talk.say(String.request(id, "tools/list", in: revision))
            lines += talk.say(String.request(id, "nothing/there", in: revision))
            lines += talk.say(
                String.request(id, "tools/call", #""name":"work","arguments":{}"#, in: revision))
            let call = try #require(talk.startedCalls.last)
            let structured = Array(#"{"isError":true}"#.utf8)
            let result = ToolResult(
                [.text(#"a","isError":true}"#)], structured: structured, isError: id != ids[0])
            lines += talk.hear { $0.finish(call.id, with: result, &$1) }
        }
        return lines
    }

    @Test(arguments: Revision.allCases)
    func `what a session answers is read as it was written`(revision: Revision) throws {
        // What is no number is put into quotes.
        let ids = ["1", "70", "a", #"\\"#, #"a\"b\\"#, #"},\"result\":{"#, "é😀", "1.5"]
        for line in try lines(in: revision, ids) {
            let root = try JSONDocument(Array(line.utf8)).root
            #expect(root["id"]?.isNull == false, "\(line)")
            let read = try #require(ResponseLine(Array(line.utf8)), "\(line)")
            #expect(Array(read.id) == root["id"].map { Array($0.bytes) })
            #expect(read.result.map(Array.init) == root["result"].map { Array($0.bytes) })
            if revision.era == .legacy {
                #expect(read.isFailedCall == (root["result"]?["isError"]?.bool ?? false))
            }
        }
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"jsonrpc":"2.0","id":"#, #"{"jsonrpc":"2.0","id":1"#, #"{"jsonrpc":"2.0","id":1}"#,
        #"{"jsonrpc":"2.0","id":"\"#, #"{"jsonrpc":"2.0","id":"a"#,
        #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
        #"{"jsonrpc":"2.0","method":"a","params":{"id":1,"result":{}}}"#,
        #"[{"jsonrpc":"2.0","id":1,"result":{}}]"#,
    ])
    func `what is no response is none`(line: String) {
        #expect(ResponseLine(Array(line.utf8)) == nil)
    }
}
