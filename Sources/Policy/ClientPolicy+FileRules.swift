import Cells
import Patterns

extension ClientPolicy {
    /// The rules for files that are in force, for the cell; and until when, if they come and go.
    package func fileRules(at moment: Moment) -> (rules: FileRules, validUntil: Int?) {
        var entries: [FileRules.Entry] = []
        var until: Int?
        for (permission, act) in [
            (PermissionName.fileRead, FileRules.Act.read), (.fileWrite, .writeOwn),
            (.fileWriteGlobal, .writeElsewhere),
        ] {
            for compiled in rules[permission] ?? [] where compiled.isInForce(at: moment) {
                let verdict: FileRules.Verdict =
                    switch compiled.rule.effect {
                    case .allow: .allow
                    case .ask: .ask
                    case .deny: .deny
                    }
                let patterns = compiled.rule.objects == .any ? [PathPattern.everything] : compiled.paths
                entries += patterns.map {
                    .init(
                        act, verdict, $0, onlyNarrows: compiled.onlyNarrows,
                        rule: "\(compiled.rule.reference)")
                }
            }
            if let validity = decide(Need(permission, .path([])), at: moment).validUntil {
                until = min(until ?? validity, validity)
            }
        }
        return (FileRules(entries), until)
    }
}
