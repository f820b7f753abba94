import Addressing
import Firewall
import Model
import Planner

/// A host as a value: carries out the operations of plans as far as the planner sees what they do.
///
/// Strict where the kernel is: what is there is not made again, what is not there is not removed, a route needs a way
/// to its next hop, what is used is not deleted.
struct SimulatedHost {
    var state: ObservedState
    var firewall = SimulatedTables()
    /// Namespaces without a name that the executor still holds open.
    private(set) var held: [String: ObservedNamespace] = [:]

    /// What went wrong, as the executor tells the cases apart.
    enum Failure: Error, Hashable {
        /// `EEXIST`.
        case present(String)
        /// `ENOENT`, `ESRCH`, `ENODEV` …
        case absent(String)
        /// All others.
        case refused(String)
    }

    /// A machine with a loopback, a card that leads to the world, and one that the host does not use.
    static func fresh(_ features: KernelFeatures = KernelFeatures()) -> SimulatedHost {
        var host = SimulatedHost(state: ObservedState(host: ObservedNamespace(reference: .host, inode: 1)))
        host.state.features = features
        host.state.host.settings = initialSettings
        host.state.host.links = [
            host.link(1, "lo", in: host.state.host, isLoopback: true),
            host.link(2, "eth0", in: host.state.host, isLoopback: false),
            host.link(3, "eth1", in: host.state.host, isLoopback: false),
        ]
        for (text, length, gateway) in [("192.0.2.2", 24, "192.0.2.1"), ("2001:db8::2", 64, "2001:db8::1")] {
            guard let address = IPAddress(text).flatMap({ InterfaceAddress(address: $0, length: length) }) else {
                continue
            }
            host.state.host.addresses.append(ObservedAddress(link: 2, address: address))
            host.state.host.routes.append(ObservedRoute(destination: address.prefix, link: 2, origin: 2))
            guard let hop = IPAddress(gateway) else { continue }
            host.state.host.routes.append(
                ObservedRoute(destination: IPPrefix(containing: hop, length: 0), gateway: hop, link: 2, metric: 1024))
        }
        return host
    }

    /// A link as the kernel makes it: with the settings that are the default in its namespace.
    func link(_ index: UInt32, _ name: String, in space: ObservedNamespace, isLoopback: Bool, isUp: Bool = true)
        -> ObservedLink
    {
        var link = ObservedLink(index: index, name: name, isUp: isUp, isLoopback: isLoopback, addressGeneration: 0)
        if !isLoopback { link.mac = MACAddress("02:00:00:00:00:0\(index % 10)") }
        link.ipv4Settings = [Int32](repeating: 0, count: 34)
        if state.features.ipv6 { link.ipv6Settings = [Int32](repeating: 0, count: 60) }
        for setting in DeviceSetting.restored {
            let value = space.settings["net/\(setting.family)/conf/default/\(setting.key)"] ?? setting.initial
            link.set(setting.family, setting.key, value)
        }
        return link
    }

    /// What every namespace starts with.
    static var initialSettings: [String: String] {
        var settings = ["net/ipv4/ip_forward": "0", "net/ipv4/ip_unprivileged_port_start": "1024"]
        for setting in DeviceSetting.restored {
            for place in ["all", "default"] {
                settings["net/\(setting.family)/conf/\(place)/\(setting.key)"] = setting.initial
            }
        }
        return settings
    }

    /// The end of a run: nobody holds what was deleted any more, and the far ends of its cards go with it.
    mutating func finish() {
        for (_, space) in held {
            state.usedNamespaceIDs.removeAll { $0 == space.namespaceID }
            let gone = state.host.links.filter { $0.kind == "veth" && $0.peerNamespaceID == space.namespaceID }
            for link in gone { state.host.drop(link.index) }
        }
        held = [:]
    }

    /// The namespace of an operation, to be read or written.
    subscript(_ reference: NamespaceRef) -> ObservedNamespace? {
        get {
            switch reference {
            case .host: state.host
            case .named, .path: state.namespaces.first { $0.reference == reference }
            }
        }
        set {
            guard let newValue else { return state.namespaces.removeAll { $0.reference == reference } }
            switch reference {
            case .host: state.host = newValue
            case .named, .path:
                if let place = state.namespaces.firstIndex(where: { $0.reference == reference }) {
                    state.namespaces[place] = newValue
                } else {
                    state.namespaces.append(newValue)
                    state.namespaces.sort { $0.reference < $1.reference }
                }
            }
        }
    }

    /// Changes a namespace that must be there.
    mutating func change(_ reference: NamespaceRef, _ body: (inout ObservedNamespace) throws -> Void) throws {
        guard var space = self[reference] else { throw Failure.absent("namespace \(reference)") }
        try body(&space)
        self[reference] = space
    }

    /// Takes the name from a namespace; it lives on while it is held.
    mutating func unbind(_ name: String) throws {
        guard let space = self[.named(name)] else { throw Failure.absent("namespace \(name)") }
        held[name] = space
        self[.named(name)] = nil
    }

    /// Gives it back.
    mutating func bind(_ name: String) throws {
        guard let space = held.removeValue(forKey: name) else { throw Failure.absent("namespace \(name)") }
        self[.named(name)] = space
    }
}

extension ObservedLink {
    /// Writes an interface setting; false where there is none of that name.
    @discardableResult
    mutating func set(_ family: some StringProtocol, _ key: some StringProtocol, _ value: String) -> Bool {
        guard let place = DeviceSetting.index(family: String(family), key: String(key)), let number = Int32(value)
        else { return false }
        if family == "ipv4" {
            guard place < ipv4Settings.count else { return false }
            ipv4Settings[place] = number
        } else {
            guard place < ipv6Settings.count else { return false }
            ipv6Settings[place] = number
        }
        return true
    }
}

extension ObservedNamespace {
    /// Removes a link with all that lies on it.
    mutating func drop(_ index: UInt32) {
        links.removeAll { $0.index == index }
        addresses.removeAll { $0.link == index }
        routes.removeAll { $0.link == index || $0.nextHopLinks.contains(index) }
        neighbours.removeAll { $0.link == index }
        qdiscs.removeAll { $0.link == index }
        for place in links.indices where links[place].master == index {
            links[place].master = nil
            links[place].port = nil
        }
    }
}
