// The filters of a cell, compiled once by the daemon that builds cells. A new cell only loads bytes, so that
// neither libseccomp nor its memory is in the way between a process's birth and its walls.

import Linux

package struct CellFilters: Equatable, Sendable {
    package let program: SeccompProgram
    package let door: SeccompProgram
    package let initial: SeccompProgram

    package static func compile() throws(FilterFault) -> CellFilters {
        CellFilters(
            program: try FilterCompiler.compile(ProgramFilter.table),
            door: try FilterCompiler.compile(DoorFilter.table),
            initial: try FilterCompiler.compile(InitFilter.table))
    }
}

/// A filter that could not be compiled.
package enum FilterFault: Error, Equatable, CustomStringConvertible {
    case libseccomp(String, call: String, Errno)
    case file(SystemError)
    case malformed(String, bytes: Int)

    package var description: String {
        switch self {
        case .libseccomp(let step, let call, let errno): "libseccomp: \(step) \(call): \(errno)"
        case .file(let error): "libseccomp: \(error)"
        case .malformed(let filter, let bytes): "filter \(filter) came out with \(bytes) bytes"
        }
    }
}
