public import Addressing
public import Model

/// One side of a question, as people ask it.
public enum Place: Hashable, Sendable {
    /// An endpoint, by whatever address.
    case endpoint(ObjectName)
    /// This host, by whatever address.
    case host
    /// An outside address that no policy names.
    case world
    /// Exactly this address.
    case address(IPAddress)
}

extension Place {
    /// Whether exactly a link-local address was asked for.
    fileprivate func isLinkLocal(_ family: AddressFamily) -> Bool {
        switch self {
        case .address(let address): family == .ipv6 && address.family == .ipv6 && address.isLinkLocal
        case .endpoint, .host, .world: false
        }
    }
}

/// A pair of addresses for which a question is asked.
public struct AddressPair: Hashable, Sendable {
    /// Who asks, and by which address.
    public var source: (party: Party, address: IPAddress)
    /// Who is asked, and by which address.
    public var destination: (party: Party, address: IPAddress)

    /// The connection between them.
    public func connection(_ service: ConnectionService) -> Connection {
        Connection(
            from: source.party, source.address, to: destination.party, destination.address, service)
    }

    /// Equal sides.
    public static func == (left: Self, right: Self) -> Bool {
        left.source == right.source && left.destination == right.destination
    }

    /// Both sides.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(source.party)
        hasher.combine(source.address)
        hasher.combine(destination.party)
        hasher.combine(destination.address)
    }
}

extension Reachability {
    /// Whether an address means the same to both: an overlay's are its own and its peers', and elsewhere somebody else may
    /// have them.
    public func shareAddresses(_ one: Place, _ other: Place) -> Bool {
        let networks = [one, other].map { place in ownNetwork(of: place).flatMap { self.networks[$0] } }
        guard networks.contains(where: { $0?.overlay != nil }) else { return true }
        guard let one = networks[0], let other = networks[1] else { return false }
        return one.metadata.name == other.metadata.name || one.peers.contains(other.metadata.name)
    }

    /// Whether one of them stands for an address of the host on a segment of others that nobody has looked up, or that
    /// the other reaches by routers of that segment alone.
    func isHostUnknown(_ pair: AddressPair) -> Bool {
        let sides = [pair.source, pair.destination]
        guard sides.contains(where: { network(of: $0.party)?.isShared ?? false }) else { return false }
        return sides.contains { $0.party == .host && !hostAddresses.contains($0.address) }
            || sides.contains { $0.party == .host } && !isOneSubnet(pair.source.address, pair.destination.address)
    }

    /// The address pairs by which one place speaks to the other in a family: one for each address of the destination,
    /// from the source address that a kernel would choose. Empty where one of them has no address of the family.
    public func pairs(_ from: Place, _ to: Place, _ family: AddressFamily) -> [AddressPair] {
        let sources = addresses(of: from, near: to, family)
        return addresses(of: to, near: from, family).compactMap { destination in
            // The same subnet first, as source selection has it (RFC 6724, rule 8; `ip route get`).
            let source = sources.first { isOneSubnet($0.address, destination.address) } ?? sources.first
            return source.map { AddressPair(source: $0, destination: destination) }
        }
    }

    private func isOneSubnet(_ one: IPAddress, _ other: IPAddress) -> Bool {
        desired.networks.contains { $0.subnets.contains { $0.prefix.contains(one) && $0.prefix.contains(other) } }
    }

    private func addresses(
        of place: Place, near other: Place, _ family: AddressFamily
    ) -> [(party: Party, address: IPAddress)] {
        switch place {
        case .endpoint(let name):
            // To a link-local address from one (RFC 6724, rule 2).
            if other.isLinkLocal(family), let endpoint = endpoints[name] {
                [(.endpoint(name), .v6(endpoint.mac.linkLocal))]
            } else {
                addresses(of: name, family).map { (.endpoint(name), $0) }
            }
        case .host:
            if other.isLinkLocal(family), let network = networkName(of: other).flatMap({ networks[$0] }) {
                [(.host, .v6(network.mac.linkLocal))]
            } else {
                hostAddresses(near: other, family).map { (.host, $0) }
            }
        case .world: unnamedOutside(family).map { [(.outside, $0)] } ?? []
        case .address(let address):
            address.family == family ? [(party(of: address, near: ownNetwork(of: other)), address)] : []
        }
    }

    /// The gateways of the other side's network; further ones where ports are published on them alone.
    private func hostAddresses(near other: Place, _ family: AddressFamily) -> [IPAddress] {
        var result = hostAddresses(for: networkName(of: other), family)
        // Private networks have no gateway, and no way to the host, whatever its address.
        let isSpoken = desired.networks.contains { $0.families.contains(family) }
        if result.isEmpty, isSpoken { result = [family == .ipv4 ? "127.0.0.1" : "::1"].compactMap { IPAddress($0) } }
        for mapping in desired.endpoints.flatMap(\.portMappings) {
            guard let address = mapping.hostAddress, address.family == family, !address.isLoopback || other == .host
            else { continue }
            if !result.contains(address) { result.append(address) }
        }
        return result
    }

    private func ownNetwork(of place: Place) -> ObjectName? {
        switch place {
        case .endpoint(let name): endpoints[name]?.network
        case .host, .world, .address: nil
        }
    }

    private func networkName(of place: Place) -> ObjectName? {
        switch place {
        case .endpoint(let name): return endpoints[name]?.network
        case .address(let address):
            guard case .endpoint(let name) = party(of: address) else { return nil }
            return endpoints[name]?.network
        case .host, .world: return nil
        }
    }
}
