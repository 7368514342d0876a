// A policy file of any bytes. What must hold:
//
//   it is read or refused, with a place inside of it; what is read is the same the second time; a decision is the
//   same from the cache, and with a deny of everything beside it nothing is allowed; what the cell gets to know of files
//   says what the policy says, and survives its coding.

import Cells
import Patterns
import Policy

package func fuzzPolicy(_ bytes: [UInt8]) {
    let file: PolicyFile
    do throws(PolicyFault) {
        file = try PolicyFile.read(bytes, named: "fuzz")
    } catch {
        require(error.place.map { $0.line >= 1 && $0.column >= 1 } ?? true, "a fault stands in the file")
        return
    }
    require((try? PolicyFile.read(bytes, named: "fuzz")) == file, "reading is a function")
    guard let set = try? PolicySet([file]) else { return }
    var facts = ClientFacts(uid: 1000, user: "alice", home: "/home/alice")
    (facts.executable, facts.nameClaim) = ("/usr/bin/app", "app")
    let moment = Moment(seconds: 1_795_003_200, utcOffset: 0)
    check(set, facts, moment)
    for broken in set.brokenExpectations(at: moment) {
        require(!broken.description.isEmpty, "a fault says something")
    }
}

private func check(_ set: PolicySet, _ facts: ClientFacts, _ moment: Moment) {
    let policy = set.policy(for: facts)
    var cache = DecisionCache(policy)
    let rules = policy.fileRules(at: moment).rules
    require((try? FileRules(decoding: rules.encoded[...])) == rules, "rules for files survive their coding")
    for path in ["/", "/home/alice/src/a.c", "/srv/data/x", "/workspace/f"] {
        for (permission, act) in [
            (PermissionName.fileRead, FileRules.Act.read), (.fileWrite, .writeOwn),
            (.fileWriteGlobal, .writeElsewhere),
        ] {
            let need = Need.path(permission, path)
            let decision = policy.decide(need, at: moment)
            require(cache.decide(need, at: moment) == decision, "the cache says what the function says")
            require(cache.decide(need, at: moment) == decision, "and says it again")
            require(
                "\(rules.judge(act, PathNames(path)).verdict)" == decision.verdict.word, "so does the cell")
            require(
                set.explain(need, for: facts, at: moment).decision == decision, "and so does its explanation")
        }
    }
    for tree in policy.trees(at: moment) {
        require(
            CellPlan.isTreePath(tree.path) && !tree.isInPlaceOfCells, "a tree is one that a cell can have")
    }
}
