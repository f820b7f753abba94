public import Addressing
public import Model

/// What the host has on a link, and what moves along when another one stands for it.
public struct Cargo: Sendable {
    /// Addresses, in the order of the kernel.
    public private(set) var addresses: [CarriedAddress] = []
    /// Routes, those without a next hop first.
    public private(set) var routes: [CarriedRoute] = []
    /// Next hops of the routes that have one.
    public private(set) var gateways: [IPAddress] = []

    /// What lies on the link with this name and index, of all addresses and routes of the host. Link-local addresses, what
    /// the kernel makes of addresses and what it learns come by themselves.
    public init(on link: LinkReference, index: UInt32, addresses all: [ObservedAddress], routes ways: [ObservedRoute]) {
        addresses = all.filter { $0.link == index && $0.belongsToHost }
            .map { CarriedAddress(address: $0.address, body: $0.body) }
        let own = ways.filter { ($0.link == index || $0.nextHopLinks.contains(index)) && $0.isOfHost }
        for route in own.filter({ !$0.hasNextHop }) + own.filter(\.hasNextHop) {
            let kind: CarriedRoute.Kind = route.hasNextHopObject ? .byObject : .through(index)
            routes.append(CarriedRoute(words: route.entry(on: link).description, body: route.body, kind: kind))
        }
        gateways = Set(own.compactMap(\.gateway)).sorted()
    }

    /// `192.0.2.1/24, default via 192.0.2.254`.
    var words: String { items.joined(separator: ", ") }

    private var items: [String] { addresses.map { "\($0.address)" } + routes.map(\.words) }

    /// How it differs from what a move was planned with; nil where it does not.
    public func difference(from move: UplinkMove) -> String? {
        let planned = move.addresses.map { "\($0.address)" } + move.routes.map(\.words)
        let gone = Set(planned).subtracting(items).sorted()
        let new = Set(items).subtracting(planned).sorted()
        guard !gone.isEmpty || !new.isEmpty else { return nil }
        return (gone.map { "\($0) is gone" } + new.map { "\($0) is new" }).joined(separator: ", ")
    }
}

extension ObservedAddress {
    /// Whether somebody gave it to the host: those of IPv6 that the kernel makes of router advertisements (IFAPROT_KERNEL_RA)
    /// come by themselves.
    fileprivate var belongsToHost: Bool {
        let ofAdvertisements: UInt8 = 2
        return isManaged || (!address.address.isLinkLocal && origin != ofAdvertisements)
    }
}

extension ObservedRoute {
    /// Whether somebody made it for the host, so that it has to be where the addresses are.
    var isOfHost: Bool {
        table != 255 && origin != 2 && !destination.address.isMulticast && ![2, 3, 4, 5].contains(type)
            && ![1, 9].contains(origin)
    }

    /// Whether its next hops are an object of its own (`nhid`).
    var hasNextHopObject: Bool { details?.words.split(separator: " ").contains("nhid") ?? false }

    fileprivate var hasNextHop: Bool { gateway != nil || !nextHopLinks.isEmpty }

    /// A route of the host by another link, as one that goes and comes again where it is.
    public func staying(on link: LinkReference) -> CarriedRoute {
        CarriedRoute(words: entry(on: link).description, body: body, kind: .elsewhere)
    }
}
