public import Addressing

/// How a network is joined to a physical one.
public enum Attachment: Hashable, Sendable {
    /// Its ports are put on a bridge that somebody else owns (`bridge: {existing}`).
    case existingBridge
    /// Its own bridge has the uplink as a port.
    case uplinkPort(Uplink)
    /// It has no bridge: its endpoints are macvlans of the uplink, which stays the host's, or of a VLAN of it.
    case macvlan(Ground)
    /// Its own bridge has a VLAN of the uplink as a port; the uplink itself stays the host's.
    case vlan(VLAN)
    /// Its own bridge has no port to it: the host routes between the two, and answers for endpoints on the uplink, which
    /// stays as it is.
    case routed(Uplink)
}

/// What macvlans stand on.
public enum Ground: Hashable, Sendable {
    /// A physical interface itself.
    case uplink(Uplink)
    /// A VLAN of one, which nobody else is on: not the host either.
    case vlan(VLAN)

    /// The physical interface.
    public var uplink: Uplink {
        switch self {
        case .uplink(let uplink): uplink
        case .vlan(let vlan): vlan.uplink
        }
    }

    /// The VLAN of it.
    public var vlan: VLAN? {
        switch self {
        case .uplink: nil
        case .vlan(let vlan): vlan
        }
    }
}

/// A VLAN of a physical interface (`ip link add NAME link UPLINK type vlan id ID`).
public struct VLAN: Hashable, Sendable {
    /// The interface.
    public var uplink: Uplink
    /// 802.1Q identifier, 1…4094.
    public var id: UInt16
    /// Name of the device, default `vl-NETWORK`.
    public var device: InterfaceName
    /// Full name where the device's had to be shortened.
    public var alternativeName: String?
    /// MAC of the device, which no frame may have.
    public var mac: MACAddress

    /// A VLAN.
    public init(uplink: Uplink, id: UInt16, device: InterfaceName, alternativeName: String? = nil, mac: MACAddress) {
        self.uplink = uplink
        self.id = id
        self.device = device
        self.alternativeName = alternativeName
        self.mac = mac
    }
}

/// A physical interface of the host, as manifests name it.
public struct Uplink: Hashable, Sendable {
    /// How it is found.
    public var selector: UplinkSelector
    /// Where it stands in the manifest.
    public var source: SourceLocation

    /// An uplink.
    public init(selector: UplinkSelector, source: SourceLocation) {
        self.selector = selector
        self.source = source
    }
}

extension Network {
    /// Whether the bridge is bulkhead's: made, changed and deleted by it.
    public var ownsBridge: Bool {
        switch attachment {
        case nil, .uplinkPort, .vlan, .routed: true
        case .existingBridge, .macvlan: false
        }
    }

    /// Whether its endpoints are macvlans, of which the host has no ports.
    public var isMacvlan: Bool {
        switch attachment {
        case .macvlan: true
        case nil, .existingBridge, .uplinkPort, .vlan, .routed: false
        }
    }

    /// Whether others than endpoints and the host are on the segment, so that not every frame is of an endpoint.
    public var isShared: Bool {
        switch attachment {
        case nil, .routed: false
        case .existingBridge, .uplinkPort, .vlan, .macvlan: true
        }
    }

    /// Whether the host routes between its bridge and a physical network.
    public var isRouted: Bool { if case .routed = attachment { true } else { false } }

    /// Prefixes of which every address is behind its bridge. A network that the host routes to shares its subnets with the
    /// physical one: only what endpoints have is there.
    public var prefixes: [IPPrefix] { isRouted ? [] : subnets.map(\.prefix) }

    /// The VLAN that is a port of its bridge.
    public var portVLAN: VLAN? {
        switch attachment {
        case .vlan(let vlan): vlan
        case nil, .existingBridge, .uplinkPort, .macvlan, .routed: nil
        }
    }

    /// The VLAN that its macvlans stand on.
    public var groundVLAN: VLAN? {
        switch attachment {
        case .macvlan(let ground): ground.vlan
        case nil, .existingBridge, .uplinkPort, .vlan, .routed: nil
        }
    }

    /// The VLAN that it is: a port of its bridge, or what its macvlans stand on.
    public var vlan: VLAN? { portVLAN ?? groundVLAN }
}

extension Attachment {
    /// What it says, without places.
    public var words: String {
        switch self {
        case .existingBridge: "bridge: existing"
        case .uplinkPort(let uplink): "bridge: \(uplink.selector)"
        case .macvlan(.uplink(let uplink)): "macvlan: \(uplink.selector)"
        case .macvlan(.vlan(let vlan)): "macvlan: \(vlan.uplink.selector) vlan \(vlan.id)"
        case .vlan(let vlan): "bridge: \(vlan.uplink.selector) vlan \(vlan.id)"
        case .routed(let uplink): "routed: \(uplink.selector)"
        }
    }
}
