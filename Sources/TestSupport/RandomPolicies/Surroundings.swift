/// What the host of random manifests is joined to, beside switches of its own.
public enum Surroundings: String, CaseIterable, Sendable {
    /// Nothing.
    case alone
    /// A LAN: a `transparent` network, whose bridge has the interface `uplinkName` as a port.
    case uplink
    /// A LAN: a `transparent` network on somebody else's bridge `bridgeName`.
    case existingBridge
    /// Another Host, by overlays; both are Hosts of the manifests then.
    case overlays
    /// The same with gateways: `red` and `green` are peers, `blue` has the prefixes of `red`.
    case gateways

    /// The interface that leads to the LAN.
    public static let uplinkName = "eth1"
    /// The bridge of somebody else that leads to the LAN.
    public static let bridgeName = "br0"
    /// Addresses of the host itself on the LAN, which no manifest says.
    public static let ownAddresses = ["10.69.0.2", "fd00:69::2"]
    /// The LAN's router, which the network names now and then.
    public static let routers = ["10.69.0.1", "fd00:69::1"]
    /// Another machine on the LAN.
    public static let neighbours = ["10.69.0.200", "fd00:69::c8"]
    /// Length of the LAN's prefixes.
    public static func length(_ address: String) -> Int { address.contains(":") ? 64 : 24 }

    /// Whether there is a LAN.
    public var hasLAN: Bool {
        switch self {
        case .uplink, .existingBridge: true
        case .alone, .overlays, .gateways: false
        }
    }

    /// A Host of the manifests.
    public struct Machine: Sendable {
        /// Its name.
        public let name: String
        /// Its address for tunnels, of a /24.
        public let underlay: String

        var text: String {
            RandomManifests.document("Host", name, labels: ["name": name], ["underlay: {address: \(underlay)}"])
        }
    }

    /// The Hosts of the manifests, the one that is looked at first; none where there is but this one.
    public var hosts: [Machine] {
        switch self {
        case .alone, .uplink, .existingBridge: []
        case .overlays, .gateways:
            [Machine(name: "node-a", underlay: "198.51.100.1"), Machine(name: "node-b", underlay: "198.51.100.2")]
        }
    }

    /// How a network is joined to others, and where it exists.
    func spec(of network: RandomNetwork) -> [String] {
        switch (self, network.isJoined) {
        case (.uplink, true): ["uplink: {interface: \(Self.uplinkName)}"]
        case (.existingBridge, true): ["bridge: {existing: \(Self.bridgeName)}"]
        case (.overlays, true), (.gateways, true):
            ["vxlan: {vni: \(["red": 4096, "blue": 4097][network.name] ?? 4098)}"]
        case (.overlays, false), (.gateways, false): ["hostSelector: {matchLabels: {name: \(hosts[0].name)}}"]
        case (.alone, _), (.uplink, false), (.existingBridge, false): []
        }
    }

    /// On which Host an endpoint is, the n-th of its network; the first two of an overlay are apart.
    func host(of place: Int, on network: RandomNetwork, _ generator: inout SeededGenerator) -> [String] {
        let names = hosts.map(\.name)
        guard let first = names.first else { return [] }
        guard network.isJoined else { return ["host: \(first)"] }
        return ["host: \(place < names.count ? names[place] : generator.pick(names))"]
    }

    /// Further blocks that policies name, `cidr` and `except`.
    func blocks(_ network: RandomNetwork, isIPv4: Bool) -> [(cidr: String, except: String)] {
        guard network.type == "transparent" else { return [] }
        return isIPv4
            ? [("10.69.0.2/32", ""), ("10.69.0.200/32", ""), ("10.69.0.192/26", "10.69.0.200/32")]
            : [("fd00:69::2/128", ""), ("fd00:69::c8/128", ""), ("fd00:69::c0/122", "fd00:69::c8/128")]
    }
}
