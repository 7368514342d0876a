// What became of one application, for people and for programs.

import Applications
import Diff

struct ConnectionAct {
    enum Outcome: String {
        case connected, updated, unchanged
        case restored, disconnected, removed, absent
        /// There is no file of it: a person has to do it.
        case byHand = "by hand"
        case failed
    }

    let application: Application
    let outcome: Outcome
    /// Where its settings are, or why it failed.
    var path = ""
    var problem = ""
    /// What the application starts from now on.
    var command: [String] = []
    /// Where the file is kept as it was.
    var backup: String?
    /// What changes, or what has to be written by hand.
    var text = ""

    static func failed(_ application: Application, _ path: String, _ problem: String) -> ConnectionAct {
        ConnectionAct(application: application, outcome: .failed, path: path, problem: problem)
    }

    var isChange: Bool {
        switch outcome {
        case .connected, .updated, .restored, .disconnected, .removed: true
        case .unchanged, .absent, .byHand, .failed: false
        }
    }

    var advice: String {
        switch outcome {
        case .restored, .disconnected, .removed: "restart \(application.title)"
        default: application.advice
        }
    }

    func sentence(isDry: Bool) -> String {
        let would = isDry ? "would be " : ""
        return switch outcome {
        case .connected: "\(would)connected, in \(path)"
        case .updated: "\(would)connected anew, in \(path)"
        case .unchanged: "already connected, in \(path)"
        case .restored: "\(would)disconnected; \(path) \(isDry ? "would be" : "is") again what it was before"
        case .disconnected: "\(would)disconnected, in \(path)"
        case .removed:
            "\(would)disconnected; \(path) \(isDry ? "would be" : "was") removed, as there was nothing else in it"
        case .absent: "not connected, in \(path)"
        case .byHand: application.advice
        case .failed: problem.hasPrefix(path) ? problem : "\(path): \(problem)"
        }
    }

    static func diff(_ path: String, _ old: [UInt8]?, _ new: [UInt8]?) -> String {
        UnifiedDiff(path: String(path.drop { $0 == "/" }), old: old, new: new).text
    }
}
