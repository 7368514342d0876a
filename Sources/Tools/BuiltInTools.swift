/// What Cloister can do by itself.
package enum BuiltInTools {
    /// Looks at the machine once: for what it is, and for the interpreters that it has.
    package static func all() -> [RegisteredTool] {
        [SystemInfo.registered()] + files + programs
    }

    private static var files: [RegisteredTool] {
        [
            ReadFile.registered(), WriteFile.registered(), EditFile.registered(), ApplyPatch.registered(),
            ListDirectory.registered(), FindFiles.registered(), SearchFiles.registered(),
            FileInfo.registered(),
            MakeDirectory.registered(), MoveFile.registered(), CopyFile.registered(), DeleteFile.registered(),
        ]
    }

    private static var programs: [RegisteredTool] {
        [RunCommand.registered()] + [RunCode.registered()].compactMap(\.self) + [
            StartProcess.registered(), ReadProcessOutput.registered(), WriteProcessInput.registered(),
            StopProcess.registered(), ListProcesses.registered(), RunSystemCommand.registered(),
        ]
    }
}
