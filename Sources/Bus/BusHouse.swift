// What answers a call of an object: the interfaces that every object has, from what each says that it offers, and what
// it does by itself.
//
//   call ─▶ its object ─▶ its interface ─▶ its method, with arguments of the right types ─▶ may they? ─▶ it is done
//
// Whatever does not fit is refused with the error that the specification has for it, and never reaches the object. The
// house knows no user: an object says itself who may have what, and may want polkit to be asked. Then the call comes
// again, from the top, and everything is looked up anew.

/// Something with a path on the bus.
package protocol BusObject: Sendable {
    var interfaces: [BusInterface] { get }
    /// Tells it from those that had its path before.
    var incarnation: Int { get }
    /// Throws where whoever calls may not read the object's properties.
    func admit(_ call: BusCall) throws(BusFault)
    func value(of property: String, in interface: String) -> BusValue
    func set(_ property: String, to value: BusValue, for call: BusCall) throws(BusFault)
    /// The arguments are of the types that the method takes, and are read here.
    func perform(_ method: String, of interface: String, for call: BusCall) async throws(BusFault)
        -> BusAnswer
}

extension BusObject {
    /// Of an object whose path nobody had before.
    package var incarnation: Int { 0 }

    package func set(_ property: String, to value: BusValue, for call: BusCall) throws(BusFault) {
        throw BusFault(.propertyReadOnly, "\(property) cannot be set")
    }

    /// Of an object that offers none.
    package func perform(
        _ method: String, of interface: String, for call: BusCall
    ) async throws(BusFault) -> BusAnswer {
        preconditionFailure("\(method) is offered and not there")
    }
}

package protocol BusHouse: AnyObject {
    /// Whoever may not see it all is still told that it is there.
    func object(at path: String) -> (any BusObject)?
    /// The path of the object that manages those that come and go.
    var managerPath: String { get }
    /// Those that come and go, as far as whoever calls may see them.
    func objects(for call: BusCall) -> [(path: String, object: any BusObject)]
    /// Those that always are.
    var fixedPaths: [String] { get }
}

extension BusHouse {
    package func answer(_ call: BusCall) async throws(BusFault) -> BusAnswer {
        call.rewind()
        let object = object(at: call.path)
        if call.member == "Introspect",
            call.interface == nil || call.interface == BusInterface.introspectable.name
        {
            return try introspection(of: object, for: call)
        }
        guard let object else {
            throw BusFault(.unknownObject, "there is no object \(call.path)")
        }
        var offered = object.interfaces + [.properties, .introspectable]
        if call.path == managerPath { offered.append(.objectManager) }
        let (interface, method) = try Self.method(of: call, among: offered)
        guard call.message.signature == method.signature else {
            throw BusFault(
                .invalidArguments,
                "\(method.name) takes \"\(method.signature)\" and not \"\(call.message.signature)\"")
        }
        switch interface.name {
        case BusInterface.properties.name: return try property(method.name, of: object, for: call)
        case BusInterface.objectManager.name: return managedObjects(for: call)
        default: return try await object.perform(method.name, of: interface.name, for: call)
        }
    }

    private static func method(
        of call: BusCall, among offered: [BusInterface]
    ) throws(BusFault) -> (BusInterface, BusInterface.Method) {
        for interface in offered where call.interface == nil || call.interface == interface.name {
            if let method = interface.methods.first(where: { $0.name == call.member }) {
                return (interface, method)
            }
            if call.interface != nil {
                throw BusFault(.unknownMethod, "\(interface.name) has no method \(call.member)")
            }
        }
        guard let interface = call.interface else {
            throw BusFault(.unknownMethod, "\(call.path) has no method \(call.member)")
        }
        throw BusFault(.unknownInterface, "\(call.path) has no interface \(interface)")
    }

    // MARK: Properties

    private func property(
        _ method: String, of object: any BusObject, for call: BusCall
    ) throws(BusFault) -> BusAnswer {
        let name = try argument { () throws(BusError) in try call.message.readString() }
        let found = object.interfaces.first { $0.name == name }
        guard let interface = found else {
            throw BusFault(.unknownInterface, "\(call.path) has no interface \(name)")
        }
        if method == "GetAll" {
            try object.admit(call)
            return { (reply) throws(BusError) in
                try Self.append(interface.properties, interface, of: object, to: reply)
            }
        }
        let wanted = try argument { () throws(BusError) in try call.message.readString() }
        guard let property = interface.properties.first(where: { $0.name == wanted }) else {
            throw BusFault(.unknownProperty, "\(name) has no property \(wanted)")
        }
        guard method == "Set" else {
            try object.admit(call)
            let value = object.value(of: property.name, in: name)
            return { (reply) throws(BusError) in try value.appendVariant(to: reply) }
        }
        guard property.isWritable else {
            throw BusFault(.propertyReadOnly, "\(property.name) cannot be set")
        }
        let value = try argument { () throws(BusError) in
            try call.message.readVariant(property.signature)
        }
        try object.set(property.name, to: value, for: call)
        return { _ in }
    }

    private static func append(
        _ properties: [BusInterface.Property], _ interface: BusInterface, of object: any BusObject,
        to message: BusMessage
    ) throws(BusError) {
        try message.append(.array("{sv}")) { () throws(BusError) in
            for property in properties {
                try message.append(.entry("sv")) { () throws(BusError) in
                    try message.append(property.name)
                    try object.value(of: property.name, in: interface.name).appendVariant(to: message)
                }
            }
        }
    }

    // MARK: Objects

    private func managedObjects(for call: BusCall) -> BusAnswer {
        let objects = objects(for: call)
        return { (reply) throws(BusError) in
            try reply.append(.array("{oa{sa{sv}}}")) { () throws(BusError) in
                for (path, object) in objects {
                    try reply.append(.entry("oa{sa{sv}}")) { () throws(BusError) in
                        try reply.append(path: path)
                        try Self.append(interfacesOf: object, to: reply)
                    }
                }
            }
        }
    }

    private static func append(
        interfacesOf object: any BusObject, to message: BusMessage
    ) throws(BusError) {
        try message.append(.array("{sa{sv}}")) { () throws(BusError) in
            for interface in object.interfaces {
                try message.append(.entry("sa{sv}")) { () throws(BusError) in
                    try message.append(interface.name)
                    try append(interface.properties, interface, of: object, to: message)
                }
            }
        }
    }

    private func introspection(
        of object: (any BusObject)?, for call: BusCall
    ) throws(BusFault) -> BusAnswer {
        guard call.message.signature.isEmpty else {
            throw BusFault(.invalidArguments, "Introspect takes nothing")
        }
        let stem = call.path == "/" ? "/" : call.path + "/"
        var children: [String] = []
        var seen: Set<String> = []
        for path in fixedPaths + objects(for: call).map(\.path) where path.hasPrefix(stem) {
            let child = path.dropFirst(stem.count).prefix { $0 != "/" }
            if !child.isEmpty, seen.insert(String(child)).inserted { children.append(String(child)) }
        }
        guard object != nil || !children.isEmpty else {
            throw BusFault(.unknownObject, "there is no object \(call.path)")
        }
        var interfaces: [BusInterface] = [.peer, .introspectable]
        if let object { interfaces += [.properties] + object.interfaces }
        if call.path == managerPath { interfaces.append(.objectManager) }
        let text =
            Self.head + "<node>\n" + interfaces.map(\.xml).joined()
            + children.map { " <node name=\"\($0)\"/>\n" }.joined() + "</node>\n"
        return { (reply) throws(BusError) in try reply.append(text) }
    }

    private static var head: String {
        """
        <!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
         "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">

        """
    }
}

/// An argument of a call, or the fault of whoever sent it.
package func argument<Value>(_ read: () throws(BusError) -> Value) throws(BusFault) -> Value {
    do throws(BusError) {
        return try read()
    } catch {
        throw BusFault(.invalidArguments, error.message)
    }
}
