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
    /// Those that were there before us need not be told.
    private var toldModules: [String: ModuleDescription]

    init(_ door: BusDoor) {
        self.door = door
        toldModules = Self.byName(door.administration().modules())
    }

    private static func byName(_ modules: [ModuleDescription]) -> [String: ModuleDescription] {
        Dictionary(uniqueKeysWithValues: modules.map { ($0.name, $0) })
    }

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
            let interface = Self.interface(of: kind)
            for number in before.subtracting(after).sorted() { removed(kind.path(number), interface) }
            for number in after.subtracting(before).sorted() { added(kind.path(number), interface) }
            if before.count != after.count { changed.append(count) }
        }
        told = now
        if tellModules(administration.modules()) { changed.append("Modules") }
        if !changed.isEmpty { invalidated(changed, of: DBusNames.manager, at: DBusNames.root) }
    }

    /// True when there are more or fewer than before.
    private func tellModules(_ modules: [ModuleDescription]) -> Bool {
        let (before, after) = (toldModules, Self.byName(modules))
        toldModules = after
        for name in before.keys.sorted() where after[name] == nil {
            removed(DBusNames.path(ofModule: name), DBusNames.module)
        }
        for (name, module) in after.sorted(by: { $0.key < $1.key }) {
            let path = DBusNames.path(ofModule: name)
            guard let old = before[name] else {
                added(path, DBusNames.module)
                continue
            }
            if old.tools != module.tools { invalidated(["Tools"], of: DBusNames.module, at: path) }
        }
        return before.count != after.count
    }

    private func added(_ path: String, _ interface: String) {
        emit(BusInterface.objectManager, "InterfacesAdded") { (message) throws(BusError) in
            try message.append(path: path)
            try message.append(.array("{sa{sv}}")) { () throws(BusError) in
                try message.append(.entry("sa{sv}")) { () throws(BusError) in
                    try message.append(interface)
                    // Whoever may have its properties asks for them.
                    try message.append(.array("{sv}")) {}
                }
            }
        }
    }

    private func removed(_ path: String, _ interface: String) {
        emit(BusInterface.objectManager, "InterfacesRemoved") { (message) throws(BusError) in
            try message.append(path: path)
            try BusValue.strings([interface]).append(to: message)
        }
    }

    private func invalidated(_ properties: [String], of interface: String, at path: String) {
        emit(BusInterface.properties, "PropertiesChanged", at: path) { (message) throws(BusError) in
            try message.append(interface)
            try message.append(.array("{sv}")) {}
            try BusValue.strings(properties).append(to: message)
        }
    }

    private func emit(
        _ interface: BusInterface, _ member: String, at path: String = DBusNames.root, _ write: BusAnswer
    ) {
        door.bus.emit(.init(path, interface.name, member), write)
    }

    private static func interface(of kind: DBusNames.Kind) -> String {
        switch kind {
        case .client: DBusNames.client
        case .cell: DBusNames.cell
        case .approval: DBusNames.approval
        }
    }
}
