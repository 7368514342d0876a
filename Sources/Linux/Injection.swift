import Glibc

/// System calls that fail because a test says so: `CLOISTER_INJECT="pivot_root=1,prctl PR_SET_DUMPABLE=22"`, with
/// error numbers: all of a name, or those on one object. `wall:netns=1` fails a whole wall, and is how tests lower
/// one. `CLOISTER_INJECT_CELL` is the same for the cells that celld starts. In release builds there is no such
/// thing.
package enum Injection {
    #if DEBUG
        private static let failures = parse(Process.environment("CLOISTER_INJECT"))

        static func failure(of call: StaticString, on object: () -> String) -> Errno? {
            failures.isEmpty ? nil : failures[call.description] ?? failures["\(call) \(object())"]
        }

        /// Fails where a test wants this wall to fail.
        package static func check(wall: String) throws(SystemError) {
            guard !failures.isEmpty, let errno = failures["wall:" + wall] else { return }
            throw SystemError("injected", errno)
        }

        package static var environmentOfCells: [String] {
            Process.environment("CLOISTER_INJECT_CELL").map { ["CLOISTER_INJECT=\($0)"] } ?? []
        }

        private static func parse(_ text: String?) -> [String: Errno] {
            var failures: [String: Errno] = [:]
            for part in (text ?? "").split(separator: ",") {
                let words = part.split(separator: "=")
                if words.count == 2, let number = CInt(words[1]) {
                    failures[String(words[0])] = Errno(rawValue: number)
                }
            }
            return failures
        }
    #else
        package static func check(wall: String) throws(SystemError) {}
        package static var environmentOfCells: [String] { [] }
    #endif
}
