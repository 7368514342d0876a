// What policy costs: reading and compiling 1,000 rules, and deciding against all of them, with and without the cache.
// One JSON object of nanoseconds, medians.

import Linux
import Policy

/// Half of the rules are patterns that have to be matched, and none of them decides before the last.
func text(rules: Int) -> String {
    var text = "clients:\n  - name: all\n    rules:\n"
    for number in 0..<(rules - 1) {
        let path = number % 2 == 0 ? "/srv/data-\(number)/**" : "~/project-\(number)/**/*.{c,h}"
        text += "      - {allow: FILE_READ, paths: ['\(path)']}\n"
    }
    return text + "      - {allow: FILE_READ, paths: ['/home/alice/**/last/*.txt']}\n"
}

func median(of rounds: Int, _ body: () throws -> Void) rethrows -> Int {
    var times: [Duration] = []
    for _ in 0..<rounds {
        let before = SystemClock.monotonic
        try body()
        times.append(SystemClock.monotonic - before)
    }
    return Int(times.sorted()[rounds / 2] / .nanoseconds(1))
}

let bytes = Array(text(rules: 1000).utf8)
var set = PolicySet.denyingAll
let read = try median(of: 15) { set = try PolicySet([PolicyFile.read(bytes, named: "bench.yaml")]) }

var facts = ClientFacts(uid: 1000, user: "alice", home: "/home/alice")
facts.executable = "/usr/bin/app"
let policy = set.policy(for: facts)
let moment = Moment(seconds: SystemClock.secondsSince1970, utcOffset: 0)
let need = Need.path(.fileRead, "/home/alice/some/where/last/notes.txt")
precondition(policy.decide(need, at: moment).verdict == .allow)
let batch = 100
let uncached = median(of: 200) { for _ in 0..<batch { _ = policy.decide(need, at: moment) } } / batch
var cache = DecisionCache(policy)
let cached = median(of: 200) { for _ in 0..<batch { _ = cache.decide(need, at: moment) } } / batch
print(#"{"read_ns":\#(read),"uncached_ns":\#(uncached),"cached_ns":\#(cached)}"#)
