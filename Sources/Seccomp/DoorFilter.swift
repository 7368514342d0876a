import Glibc

/// What each new program is given on its way in, right before exec, on top of ProgramFilter.
///
/// The process that starts programs needs clone3 itself (to put a child into its control group). Programs may
/// not have it: its flags are in memory, where no filter can look. ENOSYS makes the C library fall back to
/// clone, whose flags can be seen.
package enum DoorFilter {
    package static let table = FilterTable(
        name: "door", otherwise: .allow,
        groups: [CallGroup(.fail(ENOSYS), "its flags cannot be seen", "clone3")], narrowings: [])
}
