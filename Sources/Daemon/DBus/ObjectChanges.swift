import Bus
import EventLoop

/// Tells the bus which objects came and went, and which of their properties are not what they were. What is declared to
/// invalidate is told; whoever changes it calls `touch`. Many changes are told together: only what is different at the
/// end of a moment is told, and only to a bus that is there.
// Unchecked: touched on the loop's thread only.
final class ObjectChanges: @unchecked Sendable {
    private static let shortestMoment: Duration = .milliseconds(20)
    /// To look at all objects takes one part in so many of the time, however many there are, and no more.
    private static let share = 20

    /// An object, as far as others are told of it.
    private struct Told {
        let incarnation: Int
        let interfaces: [BusInterface]
        /// Of each interface, of those properties that are told.
        let values: [[BusValue]]

        init(_ object: any BusObject) {
            (incarnation, interfaces) = (object.incarnation, object.interfaces)
            values = interfaces.map { interface in
                interface.told.map { object.value(of: $0, in: interface.name) }
            }
        }
    }

    private unowned let door: BusDoor
    private var moment = ObjectChanges.shortestMoment
    private var timer: TimerID?
    private var told: [String: Told]

    /// Those that are there before us need not be told.
    init(_ door: BusDoor) {
        self.door = door
        told = Dictionary(uniqueKeysWithValues: Self.now(door))
    }

    private static func now(_ door: BusDoor) -> [(String, Told)] {
        door.objectsThatChange.map { ($0.path, Told($0.object)) }
    }

    func touch() {
        guard timer == nil else { return }
        timer = door.loop.schedule(after: moment) { [unowned self] in
            timer = nil
            let began = door.loop.now
            tell()
            moment = max(Self.shortestMoment, (door.loop.now - began) * Self.share)
        }
    }

    private func tell() {
        let (before, objects) = (told, Self.now(door))
        told = Dictionary(uniqueKeysWithValues: objects)
        let gone = before.filter { told[$0.key]?.incarnation != $0.value.incarnation }
        for (path, old) in gone.sorted(by: { $0.key < $1.key }) { removed(path, old.interfaces) }
        for (path, object) in objects {
            guard let old = before[path], old.incarnation == object.incarnation else {
                added(path, object.interfaces)
                continue
            }
            for (interface, values) in zip(object.interfaces, zip(old.values, object.values))
            where values.0 != values.1 {
                let changed = zip(interface.told, zip(values.0, values.1)).filter { $1.0 != $1.1 }
                invalidated(changed.map(\.0), of: interface, at: path)
            }
        }
    }

    private func added(_ path: String, _ interfaces: [BusInterface]) {
        emit(BusInterface.objectManager, "InterfacesAdded") { (message) throws(BusError) in
            try message.append(path: path)
            try message.append(.array("{sa{sv}}")) { () throws(BusError) in
                for interface in interfaces {
                    try message.append(.entry("sa{sv}")) { () throws(BusError) in
                        try message.append(interface.name)
                        // Whoever may have its properties asks for them.
                        try message.append(.array("{sv}")) {}
                    }
                }
            }
        }
    }

    private func removed(_ path: String, _ interfaces: [BusInterface]) {
        emit(BusInterface.objectManager, "InterfacesRemoved") { (message) throws(BusError) in
            try message.append(path: path)
            try BusValue.strings(interfaces.map(\.name)).append(to: message)
        }
    }

    private func invalidated(_ properties: [String], of interface: BusInterface, at path: String) {
        emit(BusInterface.properties, "PropertiesChanged", at: path) { (message) throws(BusError) in
            try message.append(interface.name)
            try message.append(.array("{sv}")) {}
            try BusValue.strings(properties).append(to: message)
        }
    }

    private func emit(
        _ interface: BusInterface, _ member: String, at path: String = DBusNames.root, _ write: BusAnswer
    ) {
        door.bus.emit(.init(path, interface.name, member), write)
    }
}
