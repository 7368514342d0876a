/// Traps when a property does not hold, with the reason even in an optimised build: a fuzzer reports the
/// trap as a crash, and a replaying test shows where.
func require(
    _ holds: @autoclosure () -> Bool, _ otherwise: @autoclosure () -> String,
    file: StaticString = #file, line: UInt = #line
) {
    if !holds() { fatalError(otherwise(), file: file, line: line) }
}
