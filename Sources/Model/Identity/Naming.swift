public import Addressing

/// Names and MAC addresses that follow from the manifests alone.
public enum Naming {
    /// An interface name, and the full one where it had to be shortened.
    public struct Derived: Hashable, Sendable {
        /// Fits the kernel's 15 characters.
        public let interface: InterfaceName
        /// `prefix + name` where that is longer; goes into the link as an alternative name (`ip link property add`).
        public let alternative: String?
    }

    /// `prefix + name`, shortened past 15 characters to prefix, the first 6 characters and 6 base32 characters of the
    /// name's hash. Prefixes have three characters.
    public static func interface(prefix: String, name: ObjectName) -> Derived? {
        let full = prefix + name.text
        if let interface = InterfaceName(full) { return Derived(interface: interface, alternative: nil) }
        let short = prefix + name.text.prefix(6) + StableHash.base32(StableHash.hash(full), count: 6)
        guard let interface = InterfaceName(short) else { return nil }
        return Derived(interface: interface, alternative: full)
    }

    /// Host side of a network: `bh-NETWORK`.
    public static func bridge(_ network: ObjectName) -> Derived? { interface(prefix: "bh-", name: network) }
    /// VXLAN device of an overlay: `vx-NETWORK`.
    public static func tunnel(_ network: ObjectName) -> Derived? { interface(prefix: "vx-", name: network) }
    /// VLAN of an uplink: `vl-NETWORK`.
    public static func vlan(_ network: ObjectName) -> Derived? { interface(prefix: "vl-", name: network) }
    /// Host side of an endpoint: `ep-ENDPOINT`.
    public static func port(_ endpoint: ObjectName) -> Derived? { interface(prefix: "ep-", name: endpoint) }
    /// The device by which what an endpoint sends is limited: `bw-ENDPOINT`.
    public static func shaper(_ endpoint: ObjectName) -> Derived? { interface(prefix: "bw-", name: endpoint) }

    /// Host side of the card with an overlay's gateways: `gw-NETWORK`.
    public static func gateway(_ network: ObjectName) -> Derived? { interface(prefix: "gw-", name: network) }

    /// Host side of the card by which the router of a network is on another one: `rt-NETWORK_PEER`, with a character that no
    /// name has between them.
    public static func leg(of network: ObjectName, on peer: ObjectName) -> Derived? {
        let full = "rt-\(network)_\(peer)"
        if let interface = InterfaceName(full) { return Derived(interface: interface, alternative: nil) }
        let short = "rt-" + network.text.prefix(6) + StableHash.base32(StableHash.hash(full), count: 6)
        // ALTIFNAMSIZ, 128.
        return InterfaceName(short).map { Derived(interface: $0, alternative: full.utf8.count < 128 ? full : nil) }
    }

    /// By what a router's namespace and cards are called in plans: `router-NETWORK`, shortened where no name is that long.
    public static func router(_ network: ObjectName) -> ObjectName {
        let full = Router.prefix + network.text
        let short = Router.prefix + network.text.prefix(40) + StableHash.base32(StableHash.hash(full), count: 12)
        return ObjectName(full) ?? ObjectName(short) ?? network
    }

    /// MAC of an overlay's gateway, the same on every host: whichever host an endpoint is on, and moves to, the gateway is there.
    public static func gatewayMAC(network: ObjectName) -> MACAddress {
        local(StableHash.hash("gateway", network.text))
    }

    /// MAC from which the router of a network sends on another one, the same on every host.
    public static func legMAC(of network: ObjectName, on peer: ObjectName) -> MACAddress {
        local(StableHash.hash("leg/\(network)", peer.text))
    }

    /// MAC of an endpoint: locally administered, from network, endpoint and host name.
    public static func endpointMAC(network: ObjectName, endpoint: ObjectName, host: String) -> MACAddress {
        local(StableHash.hash("endpoint/\(network)", endpoint.text, host))
    }
    /// MAC of the host's side of an endpoint's card.
    public static func portMAC(network: ObjectName, endpoint: ObjectName, host: String) -> MACAddress {
        local(StableHash.hash("port/\(network)", endpoint.text, host))
    }
    /// MAC of a network's bridge, so that it never takes that of a port.
    public static func bridgeMAC(network: ObjectName, host: String) -> MACAddress {
        local(StableHash.hash("bridge", network.text, host))
    }
    /// MAC of an overlay's VXLAN device on a host.
    public static func tunnelMAC(network: ObjectName, host: String) -> MACAddress {
        local(StableHash.hash("tunnel", network.text, host))
    }
    /// MAC of the device of a VLAN on a host. No frame has it; it only is the same each time.
    public static func vlanMAC(network: ObjectName, host: String) -> MACAddress {
        local(StableHash.hash("vlan", network.text, host))
    }
    /// MAC of the device by which what an endpoint sends is limited. No frame has it; it only is the same each time.
    public static func shaperMAC(endpoint: ObjectName, host: String) -> MACAddress {
        local(StableHash.hash("shaper", endpoint.text, host))
    }

    private static func local(_ hash: UInt64) -> MACAddress {
        MACAddress(value: (hash & 0xfcff_ffff_ffff) | 0x0200_0000_0000)
    }
}
