import Policy
import Testing

@testable import Daemon

/// Questions wait, are answered once, and cannot crowd out others.
@Suite struct ApprovalQueueTests {
    static func question(
        _ session: UInt64 = 1, uid: UInt32 = 1000, digest: String = "d1", executable: String? = "/usr/bin/app"
    ) -> Question {
        Question(
            asker: Asker(uid: uid, executable: executable), session: session, tool: "write_file",
            arguments: Array(#"{"path":"/x"}"#.utf8), digest: digest, needs: [.path(.fileWriteGlobal, "/x")],
            rule: "50-a.yaml:3")
    }

    @Test("A question is answered once, by its number and its digest")
    func answered() throws {
        var queue = ApprovalQueue()
        let asked = try queue.ask(Self.question(), at: .zero)
        let other = try queue.ask(Self.question(digest: "d2"), at: .zero)
        #expect(queue.waiting == [asked, other])
        #expect(throws: ApprovalQueue.Refusal.self) {
            try queue.standing(asked.number, digest: "d2", at: .seconds(1))
        }
        #expect(queue.waiting.count == 2)
        #expect(try queue.standing(asked.number, digest: "d1", at: .seconds(1)) == asked)
        queue.withdraw(asked.number)
        #expect(queue.waiting == [other])
        let again = #expect(throws: ApprovalQueue.Refusal.self) {
            try queue.standing(asked.number, digest: "d1", at: .seconds(1))
        }
        #expect(again?.description.contains("does not stand any more") == true)
        let never = #expect(throws: ApprovalQueue.Refusal.self) {
            try queue.standing(99, digest: "d1", at: .seconds(1))
        }
        #expect(never?.description == "there is no question 99")
    }

    @Test("No answer in time is none: the question expires, and is not answered late")
    func expiry() throws {
        var queue = ApprovalQueue()
        let first = try queue.ask(Self.question(), at: .zero)
        let second = try queue.ask(Self.question(), at: .seconds(10))
        #expect(queue.nextDeadline == .seconds(120))
        #expect(queue.expire(at: .seconds(119)) == [])
        #expect(throws: ApprovalQueue.Refusal.self) {
            try queue.standing(first.number, digest: "d1", at: .seconds(120))
        }
        #expect(queue.expire(at: .seconds(120)) == [first])
        #expect(queue.nextDeadline == second.deadline)
        queue.withdraw(second.number)
        #expect(queue.waiting.isEmpty)
        #expect(queue.nextDeadline == nil)
    }

    @Test("What is asked in another way has its place, its time and its share, and is not answered here")
    func otherWay() throws {
        var limits = ApprovalQueue.Limits()
        limits.mostOfSession = 2
        var queue = ApprovalQueue(limits)
        let asked = try queue.ask(Self.question(), by: .polkit, at: .zero)
        let refusal = #expect(throws: ApprovalQueue.Refusal.self) {
            try queue.standing(asked.number, digest: "d1", at: .zero)
        }
        #expect(refusal?.description == "question 1 is asked through polkit, and answered there")
        _ = try queue.ask(Self.question(), at: .zero)
        #expect(throws: ApprovalQueue.Refusal.self) { try queue.ask(Self.question(), by: .polkit, at: .zero) }
        #expect(queue.expire(at: .seconds(120)).count == 2)
    }

    @Test("A client, a user and all together have a share, and others are still heard")
    func shares() throws {
        var limits = ApprovalQueue.Limits()
        (limits.mostOfSession, limits.mostOfUser, limits.most) = (2, 3, 4)
        var queue = ApprovalQueue(limits)
        func refusal(_ session: UInt64, _ uid: UInt32) -> String? {
            do throws(ApprovalQueue.Refusal) {
                _ = try queue.ask(Self.question(session, uid: uid), at: .zero)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(refusal(1, 1000) == nil)
        #expect(refusal(1, 1000) == nil)
        #expect(refusal(1, 1000)?.contains("of this client") == true)
        #expect(refusal(2, 1000) == nil)
        #expect(refusal(3, 1000)?.contains("of this user") == true)
        #expect(refusal(4, 1001) == nil)
        #expect(refusal(5, 1002)?.contains("of everybody") == true)
        queue.withdraw(1)
        #expect(refusal(5, 1002) == nil)
    }
}

/// What a person allowed holds for the same call of the same client, and for nobody else.
@Suite struct GrantBookTests {
    typealias Queue = ApprovalQueueTests

    @Test("Once gives nothing beyond the call")
    func once() throws {
        var book = GrantBook()
        #expect(try book.add(Queue.question(), .once, by: 0, at: 100) == nil)
        #expect(book.grants.isEmpty)
    }

    @Test(
        "A grant is for its user, its program, its tool and its arguments",
        arguments: [
            (Queue.question(7), true), (Queue.question(7, uid: 1001), false),
            (Queue.question(7, digest: "d2"), false),
            (Queue.question(7, executable: "/usr/bin/other"), false),
            (Queue.question(7, executable: nil), false),
        ])
    func holder(question: Question, holds: Bool) throws {
        var book = GrantBook()
        try book.add(Queue.question(), .always, by: 0, at: 100)
        #expect((book.grant(for: question, at: 200) != nil) == holds)
        var otherTool = question
        otherTool.tool = "delete_file"
        #expect(book.grant(for: otherTool, at: 200) == nil)
    }

    @Test("It is for what was asked about: the same words may mean more another time")
    func needs() throws {
        var book = GrantBook()
        var question = Queue.question()
        question.needs.append(.path(.fileRead, "/y"))
        try book.add(question, .always, by: 0, at: 100)
        #expect(book.grant(for: Queue.question(), at: 200) != nil)
        question.needs = [.path(.fileRead, "/y"), .path(.fileRead, "/etc/shadow")]
        #expect(book.grant(for: question, at: 200) == nil)
    }

    @Test("It ends with its time, its session, or when it is revoked")
    func ends() throws {
        var book = GrantBook()
        let timed = try #require(try book.add(Queue.question(digest: "t"), .time(60), by: 0, at: 100))
        try book.add(Queue.question(digest: "s"), .session, by: 0, at: 100)
        let lasting = try #require(try book.add(Queue.question(digest: "a"), .always, by: 0, at: 100))
        #expect(book.grant(for: Queue.question(digest: "t"), at: 159) == timed)
        #expect(book.grant(for: Queue.question(digest: "t"), at: 160) == nil)
        #expect(book.grant(for: Queue.question(digest: "s"), at: 1000) != nil)
        #expect(book.grant(for: Queue.question(2, digest: "s"), at: 1000) == nil)
        // A clock that jumped back.
        #expect(book.grant(for: Queue.question(digest: "a"), at: 99) == nil)
        book.sessionEnded(1)
        #expect(book.grant(for: Queue.question(digest: "s"), at: 1000) == nil)
        #expect(book.revoke(lasting.number) == lasting)
        #expect(book.revoke(lasting.number) == nil)
        #expect(book.grant(for: Queue.question(digest: "a"), at: 1000) == nil)
        book.forgetExpired(at: 160)
        #expect(book.grants.isEmpty)
    }

    @Test("A client whose program nobody can vouch for gets nothing that outlives its session")
    func unknownProgram() throws {
        var book = GrantBook()
        let unknown = Queue.question(executable: nil)
        for scope in [Answer.Scope.always, .time(60)] {
            #expect(throws: GrantBook.Fault.self) { try book.add(unknown, scope, by: 0, at: 100) }
        }
        #expect(try book.add(unknown, .session, by: 0, at: 100) != nil)
    }

    @Test("What outlives sessions comes back from its file, and numbers are not given out again")
    func file() throws {
        var book = GrantBook()
        try book.add(Queue.question(digest: "a\u{202E}\n\""), .always, by: 0, at: 100)
        try book.add(Queue.question(digest: "s"), .session, by: 0, at: 100)
        try book.add(Queue.question(digest: "t"), .time(60), by: 501, at: 100)
        let last = try #require(try book.add(Queue.question(digest: "x"), .always, by: 0, at: 100))
        _ = book.revoke(last.number)
        var again = try GrantBook(decoding: book.encoded)
        #expect(again.grants == book.grants.filter { $0.session == nil })
        let next = try #require(try again.add(Queue.question(), .always, by: 0, at: 100))
        #expect(next.number == last.number + 1)
    }

    @Test(
        "A file that makes no sense is refused",
        arguments: [
            "", "[]", "{}", #"{"last":1}"#, #"{"last":-1,"grants":[]}"#, #"{"last":1,"grants":{}}"#,
            #"{"last":1,"grants":[{}]}"#,
            #"{"last":0,"grants":[{"number":1,"uid":1,"tool":"t","digest":"d","needs":[],"giver":0,"given":1}]}"#,
            #"{"last":1,"grants":[{"number":1,"uid":-1,"tool":"t","digest":"d","needs":[],"giver":0,"given":1}]}"#,
            #"{"last":1,"grants":[{"number":1,"uid":1,"tool":"t","digest":"d","needs":[],"giver":0,"given":1,"expires":"x"}]}"#,
            #"{"last":1,"grants":[{"number":1,"uid":1,"tool":"t","digest":"d","needs":[],"giver":0,"given":1,"session":1}]}"#,
        ])
    func nonsense(text: String) {
        #expect(throws: GrantBook.Fault.self) { try GrantBook(decoding: Array(text.utf8)) }
    }
}
