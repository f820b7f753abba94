public import Addressing
public import Model

extension Reachability {
    /// Whose address this is, from the manifests alone: an endpoint's, a gateway or another address that this host must
    /// have, else outside.
    ///
    /// Equal addresses of different overlays are told apart by the network of the other side.
    public func party(of address: IPAddress, near network: ObjectName? = nil) -> Party {
        if let network {
            let near = networks[network].map { Set([network] + $0.peers) } ?? [network]
            if let name = endpoint(of: address, on: near) { return .endpoint(name) }
        }
        return party(of: address, on: desired.endpoints + desired.remotes.map(\.endpoint))
    }

    private func endpoint(of address: IPAddress, on networks: Set<ObjectName>) -> ObjectName? {
        let all = desired.endpoints + desired.remotes.map(\.endpoint)
        guard case .endpoint(let name) = party(of: address, on: all.filter { networks.contains($0.network) })
        else { return nil }
        return name
    }

    private func party(of address: IPAddress, on endpoints: [Endpoint]) -> Party {
        for endpoint in endpoints {
            if endpoint.addresses.contains(where: { $0.address == address }) {
                return .endpoint(endpoint.metadata.name)
            }
            if case .v6(let local) = address, endpoint.mac.linkLocal == local {
                return .endpoint(endpoint.metadata.name)
            }
        }
        if isHosts(address) { return .host }
        for endpoint in endpoints where endpoint.allowedAddresses.contains(where: { $0.contains(address) }) {
            return .endpoint(endpoint.metadata.name)
        }
        return .outside
    }

    private func isHosts(_ address: IPAddress) -> Bool {
        if address.isLoopback || hostAddresses.contains(address) { return true }
        return desired.networks.contains { network in
            network.hasHostSide && network.subnets.contains { $0.gateway == address }
                || network.outboundNAT?.addresses.contains(address) ?? false
                || network.overlay?.local == address || (!network.isShared && address == .v6(network.mac.linkLocal))
        } || desired.endpoints.contains { $0.portMappings.contains { $0.hostAddress == address } }
    }

    /// The endpoint of that name.
    public func endpoint(_ name: ObjectName) -> Endpoint? { endpoints[name] }

    /// Addresses by which an endpoint is spoken to, of one family.
    public func addresses(of name: ObjectName, _ family: AddressFamily) -> [IPAddress] {
        (endpoints[name]?.addresses ?? []).map(\.address).filter { $0.family == family }
    }

    /// Addresses of the host that an endpoint of the network would use: its gateways, else those of other networks.
    ///
    /// On a physical network the host has addresses that no manifest knows: those that were looked up, else an unnamed
    /// one of the network's prefix stands for them.
    public func hostAddresses(for network: ObjectName?, _ family: AddressFamily) -> [IPAddress] {
        if let network = network.flatMap({ networks[$0] }), network.attachment != nil {
            let known = hostAddresses.filter { address in
                address.family == family && network.subnets.contains { $0.prefix.contains(address) }
            }
            // Where the host routes it has an address of the link, too.
            if known.isEmpty, network.isRouted { return linkGateways(of: network, family) }
            return known.isEmpty ? standIn(on: network, family).map { [$0] } ?? [] : known.sorted()
        }
        // An overlay's gateway is no host.
        let sides = desired.networks.filter(\.hasHostSide)
        func gateways(_ networks: [Network]) -> [IPAddress] {
            networks.flatMap(\.subnets).compactMap(\.gateway).filter { $0.family == family }
        }
        let own = gateways(sides.filter { $0.metadata.name == network })
        return own.isEmpty ? Array(gateways(sides).prefix(1)) : own
    }

    private func linkGateways(of network: Network, _ family: AddressFamily) -> [IPAddress] {
        Set(network.subnets.compactMap(\.gateway).filter { $0.family == family }).sorted()
    }

    /// An outside address that no `cidr` of a policy names, all-embracing ones aside, and that lies in no network.
    ///
    /// Where policies name every address, the one that the fewest name.
    public func unnamedOutside(_ family: AddressFamily) -> IPAddress? {
        let named = namedBlocks(family)
        let taken = desired.networks.flatMap(\.subnets).map(\.prefix) + desired.endpoints.flatMap(\.allowedAddresses)
        let preferred =
            family == .ipv4 ? ["203.0.113.1", "198.51.100.1", "192.0.2.1"] : ["2001:db8::1", "2001:db8:ffff::1"]
        let candidates = (preferred.compactMap { IPAddress($0) } + Self.behind(named)).filter { candidate in
            !candidate.isMulticast && !candidate.isLoopback && !candidate.isLinkLocal && !candidate.isUnspecified
                && !taken.contains { $0.contains(candidate) } && !isHosts(candidate)
        }
        return Self.leastNamed(candidates, named)
    }

    /// An address of a physical network that is nobody's in the manifests, for the host's own, which they do not say.
    ///
    /// By the same rule: one that no `cidr` names, blocks that hold the whole prefix aside, else that the fewest name.
    private func standIn(on network: Network, _ family: AddressFamily) -> IPAddress? {
        guard let prefix = network.subnets.first(where: { $0.prefix.family == family })?.prefix
        else { return unnamedOutside(family) }
        let named = namedBlocks(family).filter { !$0.contains(prefix) }
        let endpoints = desired.endpoints + desired.remotes.map(\.endpoint)
        let taken = Set(endpoints.flatMap(\.addresses).map(\.address) + network.subnets.compactMap(\.router))
        let blocks = endpoints.flatMap(\.allowedAddresses)
        func isFree(_ candidate: IPAddress) -> Bool {
            prefix.contains(candidate) && candidate != prefix.address && !taken.contains(candidate)
                && !network.subnets.contains { $0.isGroup(candidate) } && !blocks.contains { $0.contains(candidate) }
        }
        // From the end of the prefix down, past the group address: one more than are taken.
        let last = prefix.last.value
        let top = last - min(UInt128(taken.count + 2), last - prefix.address.value)
        let end = stride(from: last, through: top, by: -1).lazy
            .compactMap { IPAddress(family: family, value: $0) }.first(where: isFree)
        let candidates = [end].compactMap(\.self) + Self.behind(named).filter(isFree)
        return Self.leastNamed(candidates, named) ?? unnamedOutside(family)
    }

    /// Blocks and exceptions of policies, all-embracing ones aside.
    private func namedBlocks(_ family: AddressFamily) -> [IPPrefix] {
        var named: Set<IPPrefix> = []
        for policy in desired.policies {
            for direction in TrafficDirection.allCases {
                for block in (policy[direction]?.rules ?? []).flatMap({ $0.peers ?? [] }).compactMap(\.block) {
                    named.formUnion(([block.prefix] + block.except).filter { $0.family == family && !$0.isDefault })
                }
            }
        }
        return named.sorted()
    }

    private static func behind(_ blocks: [IPPrefix]) -> [IPAddress] {
        blocks.compactMap { prefix in
            prefix.last.value == .max ? nil : IPAddress(family: prefix.family, value: prefix.last.value + 1)
        }
    }

    private static func leastNamed(_ candidates: [IPAddress], _ named: [IPPrefix]) -> IPAddress? {
        candidates.map { candidate in (candidate, named.count { $0.contains(candidate) }) }.min { $0.1 < $1.1 }?.0
    }
}
