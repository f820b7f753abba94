internal import Addressing
internal import Model

/// A value and where it stands.
struct Located<Value: Sendable>: Sendable {
    var value: Value
    var at: SourceLocation
}

/// What every document has.
struct DocumentHead: Sendable {
    var name: ObjectName
    var at: SourceLocation
    var labels: [Label]
    var preventDestroy: Bool
    /// The `spec` mapping itself, for fields whose mere presence matters.
    var specAt: SourceLocation
    /// Fields given in `spec` with their places.
    var given: [Located<String>]

    func place(_ key: String) -> SourceLocation? { given.first { $0.value == key }?.at }
    var metadata: ObjectMetadata {
        ObjectMetadata(name: name, labels: labels, preventDestroy: preventDestroy, source: at)
    }
}

struct SelectorDocument: Sendable {
    struct Expression: Sendable {
        var key: String
        var comparison: String
        var values: [String]
    }
    var labels: [Label]
    var expressions: [Expression]
    var at: SourceLocation

    /// Whether labels fulfil it.
    func matches(_ other: [Label]) -> Bool {
        func value(_ key: String) -> String? { other.first { $0.key == key }?.value }
        return labels.allSatisfy { value($0.key) == $0.value }
            && expressions.allSatisfy { expression in
                switch expression.comparison {
                case "In": value(expression.key).map(expression.values.contains) ?? false
                case "NotIn": !(value(expression.key).map(expression.values.contains) ?? false)
                case "Exists": value(expression.key) != nil
                case _: value(expression.key) == nil
                }
            }
    }
}

struct RouteDocument: Sendable {
    var to: Located<IPPrefix>
    var via: Located<IPAddress>
    var metric: UInt32?
}

struct HostDocument: Sendable {
    var head: DocumentHead
    /// Source addresses of outbound NAT by network.
    var outboundAddresses: [(network: Located<String>, addresses: [Located<IPAddress>])]
    var uplinks: [Uplink]
    /// Tunnel endpoint address.
    var underlay: Located<IPAddress>?
    var evpn: EVPN?

    struct Uplink: Sendable {
        var name: String
        /// Keys that it has.
        var given: [String]
        /// What it means; nil where it is malformed.
        var selector: UplinkSelector?
        var at: SourceLocation
    }

    struct EVPN: Sendable {
        var asn: UInt32
        var peers: [Located<IPAddress>]
    }

    /// What a name of `uplinks` stands for on this host.
    func uplink(_ name: String) -> UplinkSelector? { uplinks.first { $0.name == name }?.selector }
}

struct SubnetDocument: Sendable {
    var prefix: Located<IPPrefix>
    var gateway: Located<IPAddress>?
    var pool: [Located<IPRange>]
    var reserved: [Located<IPRange>]
}

struct OutboundNATDocument: Sendable {
    var enabled: Bool
    var families: [AddressFamily]?
    var addresses: [Located<IPAddress>]
    var exceptions: [Located<IPPrefix>]
    var destinations: [Located<IPPrefix>]
    var ports: PortRange?
    var at: SourceLocation
}

struct NetworkDocument: Sendable {
    var head: DocumentHead
    var type: Located<NetworkType>
    var hostSelector: SelectorDocument?
    var subnets: [SubnetDocument]
    /// nil is auto.
    var mtu: Located<Int>?
    var dns: DNSSettings?
    var routes: [RouteDocument]
    var peers: [Located<String>]
    var deniesIntraNetwork: Bool
    var deniesHostAccess: Bool
    /// Where `intraNetwork` is given.
    var intraNetworkAt: SourceLocation?
    /// Where `hostAccess` is given.
    var hostAccessAt: SourceLocation?
    var antiSpoof: Bool
    var inbound: Network.Inbound
    var outboundNAT: OutboundNATDocument?
    var vxlan: VXLANDocument?
    var uplink: UplinkDocument?
    /// 1…4094.
    var vlan: Located<Int>?
    /// nil is bridge.
    var attachment: Located<String>?
    var existingBridge: Located<InterfaceName>?

    /// Whether the network exists on a Host.
    func exists(on host: HostDocument) -> Bool { hostSelector?.matches(host.head.labels) ?? true }
}

/// What a network's `uplink` says: a name from the Host or a selector; neither where it is malformed.
struct UplinkDocument: Sendable {
    var name: Located<String>?
    var selector: UplinkSelector?
    var at: SourceLocation
}

struct VXLANDocument: Sendable {
    var vni: Located<VNI>
    var port: UInt16
    /// `evpn`, where it is given.
    var evpnAt: SourceLocation?
}

struct CompartmentDocument: Sendable {
    var head: DocumentHead
    var host: Located<String>?
    var namespaceName: Located<String>?
    var namespacePath: Located<String>?
    var sysctls: [(key: String, value: String, at: SourceLocation)]
    var dns: DNSSettings?
    var aliases: [HostsEntry]
}

struct PortMappingDocument: Sendable {
    var transport: PortProtocol
    var hostPorts: Located<PortRange>
    var ports: Located<PortRange>
    var hostAddress: Located<IPAddress>?
    var allowShadow: Bool
    var at: SourceLocation
}

struct EndpointDocument: Sendable {
    var head: DocumentHead
    var network: Located<String>
    var host: Located<String>?
    var device: Located<String>?
    var compartment: Located<String>?
    var interface: Located<InterfaceName>?
    var hostInterface: Located<InterfaceName>?
    var mac: Located<MACAddress>?
    /// nil for automatic ones.
    var addresses: [Located<IPAddress>]?
    var allowedAddresses: [IPPrefix]
    var allowedMACs: [MACAddress]
    var antiSpoof: Bool?
    var defaultRoute: Located<Bool>?
    var routes: [RouteDocument]
    var mtu: Located<Int>?
    var enabled: Bool
    var portMappings: [PortMappingDocument]
    var bandwidth: BandwidthDocument?
    var tap: TapDocument?

    /// The compartment it is in; nil for a card of a hypervisor.
    var compartmentName: String? {
        guard device.map({ $0.value == "nic" }) ?? true else { return nil }
        return compartment?.value ?? head.name.text
    }
}

struct TapDocument: Sendable {
    var owner: Located<String>?
    var group: Located<String>?
    var multiQueue: Bool
}

extension [EndpointDocument] {
    /// Those in a compartment, by its name.
    var inCompartments: [String: [EndpointDocument]] {
        reduce(into: [:]) { result, endpoint in
            if let name = endpoint.compartmentName { result[name, default: []].append(endpoint) }
        }
    }
}

struct BandwidthDocument: Sendable {
    var egress: Located<BitRate>?
    var ingress: Located<BitRate>?
    var burst: Located<ByteSize>?
    var at: SourceLocation

    var limits: Bandwidth { Bandwidth(egress: egress?.value, ingress: ingress?.value, burst: burst?.value) }
}

/// All documents of the input, in its order.
public struct Documents: Sendable {
    var hosts: [HostDocument] = []
    var networks: [NetworkDocument] = []
    var compartments: [CompartmentDocument] = []
    var endpoints: [EndpointDocument] = []
    var policies: [PolicyDocument] = []
    /// Objects that are declared by documents too wrong to be read; what refers to them is not wrong for that.
    var unread: Set<ObjectID> = []
    /// Whether something could not be read of which nobody knows what it declares.
    public var isIncomplete = false

    /// Whether a policy is among them.
    public var hasPolicies: Bool { !policies.isEmpty }

    /// How many there are.
    public var count: Int { hosts.count + networks.count + compartments.count + endpoints.count + policies.count }
}
