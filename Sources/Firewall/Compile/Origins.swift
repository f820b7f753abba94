internal import Addressing
internal import JSON
internal import Model

/// Where the addresses are that the manifests know: sets of prefixes, and of prefixes by the interface behind which they
/// are. Overlapping ones stand once, as interval sets want it, so that most endpoints need no element of their own.
struct Origins {
    /// Prefixes to which the host itself leads by a switch of ours.
    static func behind(_ family: AddressFamily) -> String { "behind\(family.suffix)" }
    /// These, and the addresses of endpoints on segments that others share: whatever other endpoints may send from, not
    /// from one of these.
    static func homes(_ family: AddressFamily) -> String { "homes\(family.suffix)" }
    /// Behind which interface these are. An endpoint elsewhere is here, too, whose `allowedAddresses` name a part of one
    /// alone.
    static func inside(_ family: AddressFamily) -> String { "inside\(family.suffix)" }
    /// Other addresses that endpoints have.
    static func claimed(_ family: AddressFamily) -> String { "claimed\(family.suffix)" }
    /// Everything that may be behind an interface.
    static func ends(_ family: AddressFamily) -> String { "ends\(family.suffix)" }

    typealias Place = (prefix: IPPrefix, owner: String)

    private let input: CompilerInput
    private let endpoints: [(endpoint: Endpoint, network: Network)]

    init(_ input: CompilerInput) {
        self.input = input
        endpoints = (input.desired.endpoints + input.desired.remotes.map(\.endpoint)).compactMap { endpoint in
            input.networks[endpoint.network].map { (endpoint, $0) }
        }
    }

    var sets: [NamedSet] { AddressFamily.allCases.flatMap(sets) }

    private func sets(_ family: AddressFamily) -> [NamedSet] {
        let switches = input.desired.networks.filter { !$0.isShared && $0.hasHostSide }
        // Of a network that the host routes to, only the endpoints are behind its switch.
        let routed = endpoints.filter(\.network.isRouted).flatMap { own($0.endpoint, family) }
        let behind = Self.outermost(switches.flatMap { subnets($0, family) } + routed)
        // Networks that the host has no part in may have prefixes of others, too.
        let reachable = endpoints.filter { $0.network.isShared || $0.network.hasHostSide }
        let homes = Self.outermost(behind + reachable.flatMap { own($0.endpoint, family) })
        let claims = endpoints.map { ($0.network, self.claims($0.endpoint, family)) }
        // What is somebody's in particular is not everything.
        let claimed = Self.outermost(
            reachable.flatMap { self.claims($0.endpoint, family) }
                .filter { !$0.prefix.isDefault && !Self.isWithin($0.prefix, homes) })
        let prefixes = input.desired.networks.map { ($0, self.prefixes($0, family)) }
        let inside =
            prefixes.filter { !$0.0.isShared } + endpoints.map { ($0.network, own($0.endpoint, family)) }
            + claims.map { network, places in
                (network, places.filter { Self.isWithin($0.prefix, homes, properly: true) })
            }
        func plain(_ name: String, _ places: [Place]) -> NamedSet {
            NamedSet(
                name: name, keyTypes: [family.setType], isInterval: true,
                elements: places.map { Element(key: Nft.prefix($0.prefix), comment: $0.owner) })
        }
        func byInterface(_ name: String, _ places: [(Network, [Place])]) -> NamedSet {
            NamedSet(
                name: name, keyTypes: ["ifname", family.setType], isInterval: true, elements: Self.elements(places))
        }
        return [
            plain(Self.behind(family), behind), plain(Self.homes(family), homes),
            byInterface(Self.inside(family), inside), plain(Self.claimed(family), claimed),
            byInterface(Self.ends(family), prefixes + claims),
        ]
    }

    private func subnets(_ network: Network, _ family: AddressFamily) -> [Place] {
        network.prefixes.filter { $0.family == family }.map { ($0, network.id.description) }
    }

    /// Of a physical network without any nobody knows what is behind it.
    private func prefixes(_ network: Network, _ family: AddressFamily) -> [Place] {
        let known = subnets(network, family)
        guard known.isEmpty, network.isShared else { return known }
        return IPAddress(family: family, value: 0).map {
            [(IPPrefix(containing: $0, length: 0), network.id.description)]
        } ?? []
    }

    private func own(_ endpoint: Endpoint, _ family: AddressFamily) -> [Place] {
        endpoint.addresses.map(\.address).filter { $0.family == family }.map {
            (IPPrefix(host: $0), endpoint.id.description)
        }
    }

    private func claims(_ endpoint: Endpoint, _ family: AddressFamily) -> [Place] {
        endpoint.sources(family).map { ($0, endpoint.id.description) }
    }

    /// Elements by bridge, which networks on one of somebody else share.
    static func elements(_ all: [(Network, [Place])]) -> [Element] {
        Dictionary(grouping: all, by: \.0.bridge.text).sorted { $0.key < $1.key }.flatMap { bridge, places in
            outermost(places.flatMap(\.1)).map {
                Element(key: Nft.concat(.string(bridge), Nft.prefix($0.prefix)), comment: $0.owner)
            }
        }
    }

    /// Whether a prefix lies in one of these, which are sorted and do not overlap; properly, whether it is not all of that.
    private static func isWithin(_ prefix: IPPrefix, _ places: [Place], properly: Bool = false) -> Bool {
        var (low, high) = (0, places.count)
        while low < high {
            let middle = (low + high) / 2
            if places[middle].prefix.address <= prefix.address { low = middle + 1 } else { high = middle }
        }
        guard low > 0, places[low - 1].prefix.contains(prefix) else { return false }
        return !properly || places[low - 1].prefix.length < prefix.length
    }

    /// Prefixes that lie in no other one, in order; equal ones are the first owner's by name.
    static func outermost(_ all: [Place]) -> [Place] {
        var kept: [Place] = []
        for one in all.sorted(by: { ($0.prefix, $0.owner) < ($1.prefix, $1.owner) })
        where !(kept.last?.prefix.contains(one.prefix) ?? false) { kept.append(one) }
        return kept
    }
}
