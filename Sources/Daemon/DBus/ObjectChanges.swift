import Bus
import EventLoop

/// Tells the bus which objects came and went. Many changes are told together: only what is different at the end of a
/// moment is told, and only to a bus that is there.
// Unchecked: touched on the loop's thread only.
final class ObjectChanges: @unchecked Sendable {
    private static let moment: Duration = .milliseconds(20)
    private static let counts: [(DBusNames.Kind, String)] = [
        (.client, "Clients"), (.cell, "Cells"), (.approval, "Approvals"),
    ]

    private unowned let door: BusDoor
    private var timer: TimerID?
    private var told: [DBusNames.Kind: Set<UInt64>] = [:]

    init(_ door: BusDoor) { self.door = door }

    func touch() {
        guard timer == nil else { return }
        timer = door.loop.schedule(after: Self.moment) { [unowned self] in
            timer = nil
            tell()
        }
    }

    private func tell() {
        let administration = door.administration()
        let sessions = administration.sessions()
        let now: [DBusNames.Kind: Set<UInt64>] = [
            .client: Set(sessions.map(\.number)), .cell: Set(sessions.filter(\.hasCell).map(\.number)),
            .approval: Set(administration.consent.queue.waiting.map(\.number)),
        ]
        var changed: [String] = []
        for (kind, count) in Self.counts {
            let (before, after) = (told[kind, default: []], now[kind, default: []])
            guard before != after else { continue }
            for number in before.subtracting(after).sorted() { removed(kind, number) }
            for number in after.subtracting(before).sorted() { added(kind, number) }
            if before.count != after.count { changed.append(count) }
        }
        told = now
        if !changed.isEmpty { invalidated(changed) }
    }

    private func added(_ kind: DBusNames.Kind, _ number: UInt64) {
        emit(BusInterface.objectManager, "InterfacesAdded") { (message) throws(BusError) in
            try message.append(path: kind.path(number))
            try message.append(.array("{sa{sv}}")) { () throws(BusError) in
                try message.append(.entry("sa{sv}")) { () throws(BusError) in
                    try message.append(Self.interface(of: kind))
                    // Whoever may have its properties asks for them.
                    try message.append(.array("{sv}")) {}
                }
            }
        }
    }

    private func removed(_ kind: DBusNames.Kind, _ number: UInt64) {
        emit(BusInterface.objectManager, "InterfacesRemoved") { (message) throws(BusError) in
            try message.append(path: kind.path(number))
            try BusValue.strings([Self.interface(of: kind)]).append(to: message)
        }
    }

    private func invalidated(_ properties: [String]) {
        emit(BusInterface.properties, "PropertiesChanged") { (message) throws(BusError) in
            try message.append(DBusNames.manager)
            try message.append(.array("{sv}")) {}
            try BusValue.strings(properties).append(to: message)
        }
    }

    private func emit(_ interface: BusInterface, _ member: String, _ write: BusAnswer) {
        door.bus.emit(.init(DBusNames.root, interface.name, member), write)
    }

    private static func interface(of kind: DBusNames.Kind) -> String {
        switch kind {
        case .client: DBusNames.client
        case .cell: DBusNames.cell
        case .approval: DBusNames.approval
        }
    }
}
