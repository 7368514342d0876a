/// An absolute path, taken apart once for many patterns.
package struct PathNames: Sendable {
    package let bytes: [UInt8]
    let names: [Range<Int>]

    package init(_ path: some Collection<UInt8>) {
        // With one slash before each name and none behind the last, so that heads can be compared.
        var bytes: [UInt8] = []
        var names: [Range<Int>] = []
        for name in path.split(separator: UInt8(ascii: "/")) {
            bytes.append(UInt8(ascii: "/"))
            names.append(bytes.count..<(bytes.count + name.count))
            bytes += name
        }
        (self.bytes, self.names) = (bytes, names)
    }

    /// It is this path, or below it.
    fileprivate func begins(with head: [UInt8]) -> Bool {
        let (bytes, head) = (bytes.span, head.span)
        guard bytes.count >= head.count,
            bytes.count == head.count || bytes[head.count] == UInt8(ascii: "/")
        else { return false }
        // From its end: that is where patterns differ.
        var place = head.count
        while place > 0 {
            place -= 1
            if bytes[place] != head[place] { return false }
        }
        return true
    }

    package init(_ path: String) { self.init(path.utf8) }
}

extension PathPattern {
    package func matches(_ path: PathNames) -> Bool {
        precondition(!isBelowHome, "a pattern below a home has to be made absolute first")
        guard path.begins(with: head) else { return false }
        let (bytes, names) = (path.bytes.span, path.names)
        var (step, place) = (0, 0)
        var again: (step: Int, place: Int)?
        while place < names.count {
            if step < steps.count, steps[step] == .anyDepth {
                again = (step, place)
                step += 1
            } else if step < steps.count, steps[step].takes(bytes.extracting(names[place])) {
                (step, place) = (step + 1, place + 1)
            } else if let last = again {
                again = (last.step, last.place + 1)
                (step, place) = (last.step + 1, last.place + 1)
            } else {
                return false
            }
        }
        return steps[step...].allSatisfy { $0 == .anyDepth }
    }
}

extension PathPattern.Step {
    @inline(__always)
    func takes(_ name: Span<UInt8>) -> Bool {
        switch self {
        case .literal(let wanted):
            guard wanted.count == name.count else { return false }
            for place in 0..<name.count where wanted[place] != name[place] { return false }
            return true
        case .name(let pattern): return pattern.matches(name)
        case .anyDepth: return false
        }
    }
}
