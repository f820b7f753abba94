internal import Addressing
internal import JSON
internal import Model

/// What may come out of the tunnels of overlays, and who may send into them.
///
/// A VXLAN device takes datagrams from whoever knows the identifier, and when the frame comes out of it nobody can tell any
/// more who sent it. So the host's input marks datagrams of our identifiers with the Host whose underlay address they come
/// from (no other gets in), the mark stays on what is inside, and the bridge takes a frame only where an endpoint of that
/// network on that Host has its MAC and its address. ARP and neighbour discovery never come or go by a tunnel: every host
/// answers for remote endpoints itself.
///
/// Where overlays learn by BGP EVPN there may be endpoints on other Hosts of which no manifest speaks: see `LearntSources`.
struct Tunnels {
    private let networks: [(network: Network, overlay: Overlay)]
    private let remotes: [RemoteEndpoint]
    private let marks: [ObjectName: Int64]
    private let input: CompilerInput

    init(_ input: CompilerInput) {
        self.input = input
        networks = input.desired.networks.compactMap { network in network.overlay.map { (network, $0) } }
        remotes = input.desired.remotes
        marks = Self.marks(networks.flatMap(\.overlay.peers))
    }

    /// A host without overlays has none of this.
    var isEmpty: Bool { networks.isEmpty }

    /// A number a Host: a hash of its name, the next free one where two share it. 0 is what no Host has.
    private static func marks(_ peers: [Overlay.Peer]) -> [ObjectName: Int64] {
        var taken: Set<UInt32> = [0]
        var result: [ObjectName: Int64] = [:]
        for host in Set(peers.map(\.host)).sorted() {
            var mark = UInt32(truncatingIfNeeded: StableHash.hash("host", host.text))
            while !taken.insert(mark).inserted { mark &+= 1 }
            result[host] = Int64(mark)
        }
        return result
    }

    // MARK: bridge

    /// One element an overlay that fulfils the condition: the name of its VXLAN device.
    func devices(where condition: (Network) -> Bool = { _ in true }) -> [Element] {
        networks.filter { condition($0.network) }.map {
            Element(key: .string($0.overlay.tunnel.text), comment: $0.network.id.description)
        }
    }

    var bridgeSets: [NamedSet] {
        guard !isEmpty else { return [] }
        return [NamedSet(name: "tunnels", keyTypes: ["ifname"], elements: devices()), remoteLocals]
            + AddressFamily.allCases.flatMap { family -> [NamedSet] in
                let types = ["ifname", "mark", "ether_addr", family.setType]
                let sources = sources(family)
                return [
                    NamedSet(name: "tunnel_sources\(family.suffix)", keyTypes: types, elements: sources.single),
                    NamedSet(
                        name: "tunnel_sources\(family.suffix)_blocks", keyTypes: types, isInterval: true,
                        elements: sources.blocks),
                ]
            } + LearntSources(input).sets
    }

    /// The VXLAN device of every overlay.
    private var devicesByNetwork: [ObjectName: String] {
        Dictionary(
            networks.map { ($0.network.metadata.name, $0.overlay.tunnel.text) }, uniquingKeysWith: { first, _ in first }
        )
    }

    /// Device and link-local addresses of every remote endpoint.
    private var remoteLocals: NamedSet {
        let devices = devicesByNetwork
        return NamedSet(
            name: "tunnel_locals", keyTypes: ["ifname", "ipv6_addr"],
            elements: remotes.flatMap { remote -> [Element] in
                guard let device = devices[remote.endpoint.network] else { return [] }
                return Set(remote.endpoint.linkLocals).sorted().map {
                    Element(
                        key: Nft.concat(.string(device), .string($0.description)),
                        comment: remote.endpoint.id.description)
                }
            })
    }

    /// Device, Host, MAC and address of every remote endpoint.
    private func sources(_ family: AddressFamily) -> (single: [Element], blocks: [Element]) {
        let devices = devicesByNetwork
        var result: (single: [Element], blocks: [Element]) = ([], [])
        for remote in remotes {
            let endpoint = remote.endpoint
            guard let device = devices[endpoint.network], let mark = marks[remote.host] else { continue }
            let all = endpoint.identities(family)
            let own = Set([endpoint.mac] + endpoint.allowedMACs).sorted().map { (device, $0, all) }
            for (device, mac, sources) in own + routed(endpoint, family, devices) {
                for source in sources {
                    let key = Nft.concat(
                        .string(device), .int(mark), .string(mac.description), Nft.prefix(source))
                    let element = Element(key: key, comment: endpoint.id.description)
                    if source.length == family.width {
                        result.single.append(element)
                    } else {
                        result.blocks.append(element)
                    }
                }
            }
        }
        return result
    }

    /// The same as the router of its Host sends it on: into the networks of peers, and to other subnets of its own.
    private func routed(
        _ endpoint: Endpoint, _ family: AddressFamily, _ devices: [ObjectName: String]
    ) -> [(device: String, mac: MACAddress, sources: [IPPrefix])] {
        guard let network = input.networks[endpoint.network], network.hasRouter else { return [] }
        let name = network.metadata.name
        let sources = endpoint.routed(family, in: network).map { IPPrefix(host: $0) }
        let peers = input.routedPeers(of: network).map {
            ($0.metadata.name, Naming.legMAC(of: name, on: $0.metadata.name))
        }
        let within = network.routesWithin ? [(name, Naming.gatewayMAC(network: name))] : []
        return (peers + within).compactMap { target, mac in devices[target].map { ($0, mac, sources) } }
    }

    /// Comes first in the bridge's prerouting: a tunnel is no port of an endpoint.
    var entrance: [Rule] {
        isEmpty
            ? []
            : [Rule([Nft.equal(Nft.input, "@tunnels"), Nft.jump("tunnel")], comment: "what comes out of a tunnel")]
    }

    /// Comes first in the bridge's forward hook.
    var exit: [Rule] {
        guard !isEmpty else { return [] }
        let out = Nft.equal(Nft.output, "@tunnels")
        return [
            Rule(
                [out, Nft.equal(Nft.payload("ether", "type"), "arp"), Nft.counter, Nft.drop],
                comment: "ARP is answered on this side of a tunnel"),
            Rule(
                [out, Nft.equal(Nft.payload("icmpv6", "type"), Nft.set(Self.discovery)), Nft.counter, Nft.drop],
                comment: "neighbour discovery is answered on this side of a tunnel"),
            // Sent to a MAC on another Host it would be let through as what goes there, and its connection be known: the
            // next packet, to the MAC of whoever chose the address here, would pass by that.
            Rule(
                [
                    out, Nft.equal(Nft.payload("ip6", "daddr"), Nft.linkLocal6),
                    Nft.differs(Nft.concat(Nft.output, Nft.payload("ip6", "daddr")), "@tunnel_locals"), Nft.counter,
                    Nft.drop,
                ], comment: "a link-local address of nobody on another Host"),
        ]
    }

    private static let discovery: [JSON] = Nft.discoveryTypes + ["nd-redirect"]

    var bridgeChains: [Chain] {
        guard !isEmpty else { return [] }
        let many = Nft.equal(Nft.meta("pkttype"), Nft.set(["broadcast", "multicast"]))
        let known = AddressFamily.allCases.flatMap { family -> [Rule] in
            let key = Nft.concat(
                Nft.input, Nft.meta("mark"), Nft.payload("ether", "saddr"), Nft.payload(family.protocolName, "saddr"))
            return ["", "_blocks"].map { suffix in
                Rule(
                    [Nft.equal(key, .string("@tunnel_sources\(family.suffix)\(suffix)")), Self.mark(0), Nft.accept],
                    comment: "an endpoint of the sending Host")
            }
        }
        return [
            Chain(
                name: "tunnel",
                rules: [
                    Rule(
                        [Nft.differs(Nft.payload("ether", "type"), Nft.set(["ip", "ip6"])), Nft.counter, Nft.drop],
                        comment: "only IPv4 and IPv6 come by a tunnel"),
                    Rule([many, Nft.counter, Nft.drop], comment: "nothing for many comes by a tunnel"),
                    Rule(
                        [Nft.equal(Nft.payload("icmpv6", "type"), Nft.set(Self.discovery)), Nft.counter, Nft.drop],
                        comment: "neighbour discovery does not come by a tunnel"),
                    Rule([Nft.jump("content")], comment: "antiSpoof: content"),
                ] + known + LearntSources(input).rules + [
                    Rule([Nft.counter, Nft.drop], comment: "no endpoint of the sending Host")
                ])
        ]
    }

    // MARK: inet

    var inetSets: [NamedSet] {
        guard !isEmpty else { return [] }
        let peers = Dictionary(
            networks.flatMap(\.overlay.peers).map { ($0.underlay, $0.host) }, uniquingKeysWith: { first, _ in first })
        let ends = Set(peers.keys).union(networks.map(\.overlay.local))
        let bridges = networks.map {
            Element(key: .string($0.network.bridge.text), comment: $0.network.id.description)
        }
        return [NamedSet(name: "overlays", keyTypes: ["ifname"], elements: bridges)]
            + AddressFamily.allCases.flatMap { family -> [NamedSet] in
                let hosts = peers.filter { $0.key.family == family }.sorted { $0.key < $1.key }
                return [
                    NamedSet(
                        name: "underlay\(family.suffix)", keyTypes: [family.setType],
                        elements: ends.filter { $0.family == family }.sorted().map {
                            Element(key: .string($0.description), comment: peers[$0].map { "Host/\($0)" })
                        }),
                    NamedSet(
                        name: "underlay_hosts\(family.suffix)", keyTypes: [family.setType], dataType: "mark",
                        elements: hosts.compactMap { address, host in
                            marks[host].map {
                                Element(key: .string(address.description), data: .int($0), comment: "Host/\(host)")
                            }
                        }),
                ]
            }
    }

    /// Comes first where published ports are looked up: an overlay may have addresses that the host has, too.
    var untranslated: [Rule] {
        isEmpty
            ? [] : [Rule([Nft.equal(Nft.input, "@overlays"), Nft.back], comment: "overlays: no address is the host's")]
    }

    var inetChains: [Chain] {
        guard !isEmpty else { return [] }
        let ports = Dictionary(grouping: networks, by: \.overlay.port).sorted { $0.key < $1.key }
        let arrivals = ports.map { port, networks in
            let identifiers = Set(networks.map { Int64($0.overlay.vni.value) }).sorted().map { JSON.int($0) }
            return Rule(
                [
                    Nft.equal(Nft.payload("udp", "dport"), .int(Int64(port))),
                    Nft.equal(Nft.raw("th", 96, 24), Nft.anyOf(identifiers)), Nft.jump("underlay"),
                ], comment: "overlays: what comes in")
        }
        let allPorts = Nft.anyOf(ports.map { .int(Int64($0.key)) })
        let departures = AddressFamily.allCases.flatMap { family -> [Rule] in
            let arrival = [
                Nft.equal(Nft.payload("udp", "dport"), allPorts),
                Nft.equal(Nft.payload(family.protocolName, "daddr"), .string("@underlay\(family.suffix)")),
            ]
            return Self.senders.map { ways in
                Rule(ways + arrival + [Nft.counter, Nft.drop], comment: "overlays: endpoints send to no tunnel")
            }
        }
        return [
            // Behind everybody else, so that no rule of the host changes the mark again.
            Chain(
                name: "tunnel_input", base: .init(type: "filter", hook: "input", priority: 300), rules: arrivals),
            Chain(
                name: "tunnel_forward", base: .init(type: "filter", hook: "forward", priority: -10), rules: departures),
            Chain(
                name: "underlay",
                rules: Self.endpoints.map {
                    Rule($0 + [Nft.counter, Nft.drop], comment: "overlays: nothing from endpoints")
                } + [Rule([Self.mark(0)])]
                    + AddressFamily.allCases.map { family in
                        Rule([
                            Self.mark([
                                "map": [
                                    "key": Nft.payload(family.protocolName, "saddr"),
                                    "data": .string("@underlay_hosts\(family.suffix)"),
                                ]
                            ])
                        ])
                    } + [
                        Rule(
                            [Nft.equal(Nft.meta("mark"), 0), Nft.counter, Nft.drop],
                            comment: "overlays: only from the Hosts of the network")
                    ]),
        ]
    }

    /// What endpoints send: on a segment that others share, by MAC. The tunnels themselves may go by such a one.
    private static let endpoints = [
        [Nft.equal(Nft.input, "bh-*"), Nft.differs(Nft.input, "@shared")], [Nft.equal(Nft.sender, "@members")],
    ]

    /// The same on its way to where other Hosts may be.
    private static let senders = [
        endpoints[0] + [Nft.differs(Nft.output, "bh-*")], endpoints[0] + [Nft.equal(Nft.output, "@shared")],
        endpoints[1],
    ]

    static func mark(_ value: JSON) -> JSON { ["mangle": ["key": Nft.meta("mark"), "value": value]] }
}
