// Questions that wait for a person, and their answers.
//
//   asked ──▶ waiting ──answered──────────────▶ gone, with that answer
//                └──no answer in time, its call is over──▶ gone, denied
//
// Invariants: an answer is to a question that stands, by its number and the digest of what it is about; everything
// else is refused and changes nothing. Whichever way a question goes, it has its place here, so neither a client nor a
// user can fill the queue or bury a person in dialogs. It knows no clock: the caller says what time it is.

import Policy

package struct ApprovalQueue: Sendable {
    package struct Limits: Sendable {
        package var mostOfSession = 8
        package var mostOfUser = 32
        package var most = 256
        package var patience: Duration = .seconds(120)

        package init() {}
    }

    package struct Waiting: Equatable, Sendable {
        package let number: UInt64
        package let question: Question
        /// How it reaches a person.
        package let way: Rule.Way
        package let deadline: Duration
    }

    package struct Refusal: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    private let limits: Limits
    private var lastNumber: UInt64 = 0
    /// In the order in which they were asked.
    package private(set) var waiting: [Waiting] = []

    package init(_ limits: Limits = Limits()) { self.limits = limits }

    package mutating func ask(
        _ question: Question, by way: Rule.Way = .queue, at now: Duration
    ) throws(Refusal) -> Waiting {
        let asker = question.asker
        let ofUser = waiting.filter { $0.question.asker.uid == asker.uid }
        for (count, most, whose) in [
            (
                ofUser.count(where: { $0.question.session == question.session }), limits.mostOfSession,
                "this client"
            ),
            (ofUser.count, limits.mostOfUser, "this user"), (waiting.count, limits.most, "everybody"),
        ] where count >= most {
            throw Refusal(
                description: "\(most) questions of \(whose) wait for an answer already, which is the limit")
        }
        lastNumber += 1
        let asked = Waiting(number: lastNumber, question: question, way: way, deadline: now + limits.patience)
        waiting.append(asked)
        return asked
    }

    /// The question that this would answer.
    package func standing(
        _ number: UInt64, digest: String, by way: Rule.Way = .queue, at now: Duration
    ) throws(Refusal) -> Waiting {
        guard let asked = waiting.first(where: { $0.number == number }) else {
            throw Refusal(
                description: number <= lastNumber && number > 0
                    ? "question \(number) does not stand any more: it was answered, its time was up, or its call is over"
                    : "there is no question \(number)")
        }
        guard asked.way == way else {
            throw Refusal(
                description: "question \(number) is asked through \(asked.way.rawValue), and answered there")
        }
        guard asked.question.digest == digest else {
            throw Refusal(description: "question \(number) is about something else than this digest says")
        }
        guard asked.deadline > now else {
            throw Refusal(description: "question \(number) does not stand any more: its time was up")
        }
        return asked
    }

    /// Those whose time is up.
    package mutating func expire(at now: Duration) -> [Waiting] {
        let expired = waiting.filter { $0.deadline <= now }
        if !expired.isEmpty { waiting.removeAll { $0.deadline <= now } }
        return expired
    }

    package var nextDeadline: Duration? { waiting.map(\.deadline).min() }

    /// It was answered, or its call is over.
    package mutating func withdraw(_ number: UInt64) {
        waiting.removeAll { $0.number == number }
    }
}
