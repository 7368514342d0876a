extension ClientLimits {
    init(_ field: Field) throws(PolicyFault) {
        let members = try field.members(Name.allCases.filter { $0 != .sessions }.map(\.rawValue))
        for member in members.members {
            guard let name = Name(rawValue: member.key), let value = members[member.key] else { continue }
            lower(name, to: try Self.read(name, value))
        }
    }

    /// The same bounds as a plan's, so that no policy asks for what no cell can be.
    private static func read(_ name: Name, _ field: Field) throws(PolicyFault) -> UInt64 {
        switch name {
        case .memory, .memoryHigh: try field.size((4 << 20)...(1 << 50))
        case .swap, .fileSize, .lockedMemory: try field.size(0...(1 << 50))
        case .disk, .temporary: try field.size((64 << 10)...(1 << 50))
        case .output: try field.size(1024...(16 << 20))
        case .cpu: try field.percent(1...1_000_000)
        case .cpuWeight, .ioWeight: try field.integer(1...10_000)
        case .tasks: try field.integer(2...4_194_304)
        case .openFiles: try field.integer(16...1_048_576)
        case .wallClock: try field.seconds(1...31_536_000)
        case .sessions: try field.integer(1...100_000)
        }
    }
}

extension CallRates {
    init(_ field: Field) throws(PolicyFault) {
        let members = try field.members(["calls", "tools"])
        if let calls = members["calls"] { self.calls = [try calls.rate()] }
        if let tools = members["tools"] {
            for (tool, _, field) in try tools.entries() { self.tools[tool] = [try field.rate()] }
        }
    }
}

extension AuditSettings {
    /// One word says what is most often meant.
    private enum Word: String, CaseIterable {
        case required
        case bestEffort = "best-effort"
    }

    init(_ field: Field) throws(PolicyFault) {
        if case .scalar = field.node.content {
            isRequired = try field.choice(Word.self) == .required
            place = field.node.place
            return
        }
        let members = try field.members(["required", "sync", "rotate", "keep"])
        place = field.node.place
        if let required = members["required"] { isRequired = try required.flag() }
        if let sync = members["sync"] { self.sync = try sync.choice(Sync.self) }
        if let rotate = members["rotate"] { rotateBytes = try rotate.size((64 << 10)...(1 << 40)) }
        if let keep = members["keep"] { keptFiles = Int(try keep.integer(1...100_000)) }
    }
}

extension Field {
    /// `2027-01-01` (its first second, UTC) or `2027-01-01T12:00:00Z`, in seconds since 1970.
    func moment() throws(PolicyFault) -> Int {
        let text = try text()
        guard let moment = Self.moment(text) else {
            throw fault(
                "\(name) is a day or a time in UTC, such as 2027-01-01 or 2027-01-01T12:00:00Z, and not \(text)"
            )
        }
        return moment
    }

    static func moment(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int? {
            guard bytes[range].allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            return Int(String(decoding: bytes[range], as: UTF8.self))
        }
        func has(_ byte: Character, at place: Int) -> Bool { bytes[place] == byte.asciiValue }
        guard bytes.count == 10 || bytes.count == 20, has("-", at: 4), has("-", at: 7),
            let year = number(0..<4),
            let month = number(5..<7), let day = number(8..<10), (1970...9999).contains(year),
            (1...12).contains(month), (1...days(in: month, of: year)).contains(day)
        else { return nil }
        let midnight = daysSince1970(year, month, day) * 86_400
        if bytes.count == 10 { return midnight }
        guard has("T", at: 10), has(":", at: 13), has(":", at: 16), has("Z", at: 19),
            let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), hour < 24, minute < 60, second < 60
        else { return nil }
        return midnight + hour * 3600 + minute * 60 + second
    }

    private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func days(in month: Int, of year: Int) -> Int {
        month == 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let before = year - 1
        let leaps = before / 4 - before / 100 + before / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400)
        let months = (1..<month).reduce(0) { $0 + days(in: $1, of: year) }
        return (year - 1970) * 365 + leaps + months + day - 1
    }
}
