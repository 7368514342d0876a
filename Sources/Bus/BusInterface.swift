/// What an object offers, by its names and signatures: by this it is introspected, and by this calls are checked before
/// anybody sees them.
package struct BusInterface: Equatable, Sendable {
    package struct Argument: Equatable, Sendable {
        package let name: String
        package let signature: String
    }

    package struct Method: Equatable, Sendable {
        package let name: String
        package let takes: [Argument]
        package let gives: [Argument]
        /// Of what it takes.
        package let signature: String

        package init(
            _ name: String, takes: KeyValuePairs<String, String> = [:],
            gives: KeyValuePairs<String, String> = [:]
        ) {
            (self.name, self.takes, self.gives) = (name, arguments(takes), arguments(gives))
            signature = takes.map(\.value).joined()
        }
    }

    package struct Property: Equatable, Sendable {
        /// What is said when it changes, in the words of the introspection format.
        package enum Change: String, Sendable {
            case const
            /// That it has, and not to what: who may read it asks.
            case invalidates
            /// Nothing.
            case silent = "false"
        }

        package let name: String
        package let signature: String
        package let change: Change
        package let isWritable: Bool

        package init(_ name: String, _ signature: String, _ change: Change = .const, isWritable: Bool = false)
        {
            (self.name, self.signature) = (name, signature)
            (self.change, self.isWritable) = (change, isWritable)
        }
    }

    package struct Signal: Equatable, Sendable {
        package let name: String
        package let arguments: [Argument]

        package init(_ name: String, _ arguments: KeyValuePairs<String, String> = [:]) {
            self.name = name
            self.arguments = Bus.arguments(arguments)
        }
    }

    package let name: String
    package let methods: [Method]
    package let properties: [Property]
    package let signals: [Signal]
    /// The names of those properties of which it is told that they have changed.
    package let told: [String]

    package init(
        _ name: String, methods: [Method] = [], properties: [Property] = [], signals: [Signal] = []
    ) {
        (self.name, self.methods) = (name, methods)
        (self.properties, self.signals) = (properties, signals)
        told = properties.filter { $0.change == .invalidates }.map(\.name)
    }
}

private func arguments(_ pairs: KeyValuePairs<String, String>) -> [BusInterface.Argument] {
    pairs.map { BusInterface.Argument(name: $0.key, signature: $0.value) }
}

// MARK: Introspection

extension BusInterface {
    /// In the introspection format of the DBus specification.
    package var xml: String {
        var text = " <interface name=\"\(name)\">\n"
        for method in methods {
            let inside =
                method.takes.map { $0.xml(direction: "in") } + method.gives.map { $0.xml(direction: "out") }
            text += Self.element("method", method.name, inside)
        }
        for signal in signals {
            text += Self.element("signal", signal.name, signal.arguments.map { $0.xml(direction: nil) })
        }
        for property in properties { text += property.xml }
        return text + " </interface>\n"
    }

    private static func element(_ kind: String, _ name: String, _ inside: [String]) -> String {
        inside.isEmpty
            ? "  <\(kind) name=\"\(name)\"/>\n"
            : "  <\(kind) name=\"\(name)\">\n\(inside.joined())  </\(kind)>\n"
    }
}

extension BusInterface.Argument {
    fileprivate func xml(direction: String?) -> String {
        let way = direction.map { " direction=\"\($0)\"" } ?? ""
        return "   <arg type=\"\(signature)\" name=\"\(name)\"\(way)/>\n"
    }
}

extension BusInterface.Property {
    fileprivate var xml: String {
        """
          <property name="\(name)" type="\(signature)" access="\(isWritable ? "readwrite" : "read")">
           <annotation name="org.freedesktop.DBus.Property.EmitsChangedSignal" value="\(change.rawValue)"/>
          </property>

        """
    }
}
