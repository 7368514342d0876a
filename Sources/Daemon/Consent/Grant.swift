import JSON
import Policy

/// What a person allowed beyond one call: the same call of the same client, until a moment or for good.
package struct Grant: Equatable, Sendable {
    /// Unique, and given out once.
    package let number: UInt64
    package let holder: Asker
    package let tool: String
    package let digest: String
    /// For people: what the call was.
    package let needs: [String]
    /// Who gave it, and when (seconds since 1970).
    package let giver: UInt32
    package let given: Int
    /// Seconds since 1970; `nil` for good.
    package let expires: Int?
    /// Only as long as this session lasts; such a grant is not written down.
    package let session: UInt64?

    package func isInForce(at moment: Int) -> Bool {
        // A clock that was set back does not bring a grant forward: it holds from when it was given.
        moment >= given && expires.map { moment < $0 } ?? true
    }
}

/// Grants by who holds them.
package struct GrantBook: Equatable, Sendable {
    package static let most = 10_000

    package private(set) var grants: [Grant] = []
    private var lastNumber: UInt64 = 0

    package init() {}

    package struct Fault: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// `nil` for an answer that gives nothing beyond its call.
    @discardableResult
    package mutating func add(
        _ question: Question, _ scope: Answer.Scope, by giver: UInt32, at moment: Int
    ) throws(Fault) -> Grant? {
        forgetExpired(at: moment)
        if scope == .once { return nil }
        guard grants.count < Self.most else {
            throw Fault(description: "there are \(Self.most) grants, which is the limit; revoke some")
        }
        // Every program that nobody can vouch for would be the same client.
        guard scope == .session || question.asker.executable != nil else {
            throw Fault(
                description:
                    "the client's program is not known for certain: allow this once, or for the session")
        }
        lastNumber += 1
        var expires: Int?
        if case .time(let seconds) = scope { expires = moment + seconds }
        let grant = Grant(
            number: lastNumber, holder: question.asker, tool: question.tool,
            digest: question.digest, needs: question.needs.map { "\($0)" }, giver: giver, given: moment,
            expires: expires,
            session: scope == .session ? question.session : nil)
        grants.append(grant)
        return grant
    }

    package func grant(for question: Question, at moment: Int) -> Grant? {
        let needs = question.needs.map { "\($0)" }
        return grants.first {
            $0.digest == question.digest && $0.tool == question.tool && $0.holder == question.asker
                // The same words can come to mean another file.
                && needs.allSatisfy($0.needs.contains)
                && ($0.session == nil || $0.session == question.session) && $0.isInForce(at: moment)
        }
    }

    package mutating func revoke(_ number: UInt64) -> Grant? {
        guard let place = grants.firstIndex(where: { $0.number == number }) else { return nil }
        return grants.remove(at: place)
    }

    package mutating func sessionEnded(_ session: UInt64) {
        grants.removeAll { $0.session == session }
    }

    /// Those that are a session's alone, for whoever goes on with it.
    func encoded(of session: UInt64) -> [[UInt8]] {
        grants.filter { $0.session == session }.map { grant in
            JSONWriter.bytes { $0.object { grant.write(to: &$0) } }
        }
    }

    mutating func resume(_ bytes: [UInt8], of session: UInt64) {
        guard let value = try? JSONDocument(bytes).root, let grant = Grant(value, of: session) else { return }
        grants.append(grant)
        lastNumber = max(lastNumber, grant.number)
    }

    package mutating func forgetExpired(at moment: Int) {
        grants.removeAll { $0.expires.map { $0 <= moment } ?? false }
    }

    // MARK: As a file

    /// All that outlive their session, a JSON object.
    package var encoded: [UInt8] {
        JSONWriter.bytes { json in
            json.object {
                $0.member("last", lastNumber)
                $0.array("grants") { list in
                    for grant in grants where grant.session == nil { list.object { grant.write(to: &$0) } }
                }
            }
        }
    }

    package init(decoding bytes: [UInt8]) throws(Fault) {
        let root: JSONValue
        do throws(JSONError) {
            root = try JSONDocument(bytes).root
        } catch {
            throw Fault(description: "it is not JSON: \(error)")
        }
        guard let last = root["last"]?.integer.flatMap({ UInt64(exactly: $0) }), let list = root["grants"],
            list.kind == .array
        else { throw Fault(description: "it is not a list of grants") }
        lastNumber = last
        for (place, value) in list.elements.enumerated() {
            guard let grant = Grant(value), grant.number <= last, grants.count < Self.most else {
                throw Fault(description: "grant \(place + 1) of it makes no sense")
            }
            grants.append(grant)
        }
    }
}

extension Grant {
    func write(to json: inout JSONWriter) {
        json.member("number", number)
        json.member("uid", holder.uid)
        json.optionalMember("executable", holder.executable)
        json.optionalMember("unit", holder.unit)
        json.optionalMember("application", holder.application)
        json.member("tool", tool)
        json.member("digest", digest)
        json.array("needs") { list in for need in needs { list.string(need) } }
        json.member("giver", giver)
        json.member("given", given)
        if let expires { json.member("expires", expires) }
        if let session { json.member("session", session) }
    }

    /// What `write` wrote, of this session, and nothing that is only like it.
    init?(_ value: JSONValue, of session: UInt64? = nil) {
        func number<Number: FixedWidthInteger>(_ key: StaticString) -> Number? {
            value[key]?.integer.flatMap { Number(exactly: $0) }
        }
        guard let ordinal: UInt64 = number("number"), let uid: UInt32 = number("uid"),
            let tool = value["tool"]?.string, let digest = value["digest"]?.string,
            let giver: UInt32 = number("giver"), let given: Int = number("given"),
            value["needs"]?.kind == .array, (value["session"] == nil) == (session == nil),
            number("session") == session,
            value["expires"] == nil || value["expires"]?.integer != nil
        else { return nil }
        (self.number, self.tool, self.digest) = (ordinal, tool, digest)
        (self.giver, self.given, self.session) = (giver, given, session)
        holder = Asker(
            uid: uid, executable: value["executable"]?.string, unit: value["unit"]?.string,
            application: value["application"]?.string)
        needs = value["needs"]!.elements.compactMap(\.string)
        expires = value["expires"]?.integer.flatMap { Int(exactly: $0) }
    }
}
