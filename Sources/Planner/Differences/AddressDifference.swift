internal import Addressing
internal import Model

extension Builder {
    /// Addresses of one of our links: every one for good that the manifest does not give is surplus. `local` is the
    /// link-local one that the kernel gives the link by itself.
    mutating func compareAddresses(
        _ wanted: [InterfaceAddress], local: LinkLocal = LinkLocal(), on reference: LinkReference,
        present link: ObservedLink?, owner: ObjectID, source: SourceLocation
    ) {
        let desired = Set(wanted)
        let observed = link.flatMap { context.addresses[reference.namespace]?[$0.index] } ?? []
        let there = observed.filter {
            $0.isManaged && !$0.isLeased(in: reference.namespace, beside: wanted) || desired.contains($0.address)
        }
        var replaced: Set<InterfaceAddress> = []
        for address in wanted.sorted() {
            let state = AddressState(there.first { $0.address == address })
            if state == .missing, let other = observed.first(where: { $0.address.excludes(address) }) {
                replaced.insert(other.address)
                replaceAddress(other.address, address, on: reference, owner: owner, source: source)
            } else if state != .usable {
                appendAddress(address, state, on: reference, owner: owner, source: source)
            }
        }
        if let address = local.wanted, !desired.contains(address) {
            let state = AddressState(kernelMade: observed.first { $0.address == address }, isNew: local.stale != nil)
            if state != .usable { appendAddress(address, state, on: reference, owner: owner, source: source) }
        }
        let stale = local.stale.flatMap { stale in observed.first { $0.address == stale } }
        for address in (there.map(\.address) + (stale.map { [$0.address] } ?? [])).sorted()
        where !desired.contains(address) && !replaced.contains(address) {
            let isStale = address == stale?.address
            steps.append(
                Step(
                    id: "address/\(place(reference))/\(address)", action: .delete, owner: owner, kind: .address,
                    namespace: reference.namespace, summary: "remove address \(address) from \(reference)",
                    reason: isStale ? "it is of the MAC before" : "the manifest does not give it",
                    disruption: isStale ? .none : Disruption(Disruption.outage, users(of: owner)), source: source,
                    before: [Property("address", address.description)],
                    operations: [.removeAddress(reference, address)], inverse: [.addAddress(reference, address)],
                    phase: .reduce))
        }
    }

    /// Another prefix length of the same address. Between the two steps the link would have none.
    private mutating func replaceAddress(
        _ old: InterfaceAddress, _ new: InterfaceAddress, on reference: LinkReference, owner: ObjectID,
        source: SourceLocation
    ) {
        steps.append(
            Step(
                id: "address/\(place(reference))/\(new)", action: .replace, owner: owner, kind: .address,
                namespace: reference.namespace, summary: "replace address \(old) on \(reference) by \(new)",
                reason: "the manifest gives it another prefix length, and the kernel keeps one of them",
                disruption: .brief(users(of: owner)), source: source,
                before: [Property("address", old.description)], after: [Property("address", new.description)],
                requires: requirement(reference),
                operations: [.removeAddress(reference, old), .addAddress(reference, new)],
                inverse: [.removeAddress(reference, new), .addAddress(reference, old)],
                phase: reference.namespace == .host ? .host : .compartments))
    }

    private mutating func appendAddress(
        _ address: InterfaceAddress, _ state: AddressState, on reference: LinkReference, owner: ObjectID,
        source: SourceLocation
    ) {
        let add = Operation.addAddress(reference, address)
        let remove = Operation.removeAddress(reference, address)
        let (action, operations, inverse): (Step.Action, [Operation], [Operation]) =
            switch state {
            case .missing, .usable, .lost, .due: (.create, [add], [remove])
            case .unusable: (.replace, [remove, add], [add])
            case .ending: (.update, [add], [])
            case .unreached: Self.reach(address, on: reference)
            }
        steps.append(
            Step(
                id: "address/\(place(reference))/\(address)", action: action, owner: owner, kind: .address,
                namespace: reference.namespace, summary: state.summary(address, reference), reason: state.reason,
                source: source, after: [Property("address", address.description)],
                // One that failed before works afterwards, undone or not, and one with a lifetime stays; what undoing
                // must not do is lose it.
                isIrreversible: state.isPast, requires: requirement(reference), operations: operations,
                inverse: inverse, phase: reference.namespace == .host ? .host : .compartments))
    }

    /// The kernel's route to an address as the kernel makes it. Of IPv6 only the kernel can make one that goes with the
    /// address again; of IPv4 the last address of an interface would take all its routes along, of which a loopback has
    /// none but the kernel's.
    private static func reach(_ address: InterfaceAddress, on reference: LinkReference) -> (
        Step.Action, [Operation], [Operation]
    ) {
        let (add, remove) = (Operation.addAddress(reference, address), Operation.removeAddress(reference, address))
        switch address.address.family {
        case .ipv6: return (.replace, [remove, add], [add])
        case .ipv4 where address.address.isLoopback: return (.replace, [remove, add], [add])
        case .ipv4:
            let route = RouteEntry(
                link: reference, destination: IPPrefix(host: address.address), gateway: nil, metric: 0,
                table: ObservedRoute.localTable, origin: ObservedRoute.kernel, type: ObservedRoute.localType,
                preferredSource: address.address)
            // It may have come back with another step by then.
            return (.update, [add, .replaceRoute(route, old: route)], [])
        }
    }

    /// Who uses addresses and routes of an object: the endpoint, or all behind the network's host side.
    func users(of owner: ObjectID) -> [ObjectName] {
        switch owner.kind {
        case .endpoint: [owner.name]
        case .network: (context.endpointsByNetwork[owner.name] ?? []).map(\.metadata.name)
        case .host, .compartment, .policy: []
        }
    }

    /// `host/bh-web` or `web-1/eth0`, as ids have it.
    func place(_ reference: LinkReference) -> String { "\(reference.namespace)/\(reference.name)" }
}

/// How an address that shall be there is there.
private enum AddressState {
    case missing
    /// Missing, and the kernel does not give it a second time.
    case lost
    /// Missing, because it is of the MAC that the link gets.
    case due
    /// Duplicate address detection has not ended, or found another.
    case unusable
    /// Its route in table `local` is gone: packets to it are nobody's.
    case unreached
    /// With a lifetime.
    case ending
    case usable

    init(_ address: ObservedAddress?) {
        guard let address else {
            self = .missing
            return
        }
        self =
            if address.isTentative {
                .unusable
            } else if !address.isReached {
                .unreached
            } else {
                address.isPermanent && !address.isDeprecated ? .usable : .ending
            }
    }

    /// One that the kernel gives looks for duplicates as the interface is set to.
    init(kernelMade address: ObservedAddress?, isNew: Bool) {
        guard let address else {
            self = isNew ? .due : .lost
            return
        }
        self = address.isReached ? .usable : .unreached
    }

    /// Whether undoing leaves the address as it is to be.
    var isPast: Bool {
        switch self {
        case .unusable, .unreached, .ending: true
        case .missing, .lost, .due, .usable: false
        }
    }

    var reason: String {
        switch self {
        case .missing, .usable: "the manifest gives it"
        case .lost: "the kernel gives it once, and it is gone"
        case .due: "it is of the new MAC"
        case .unusable: "duplicate address detection left it unusable"
        case .unreached: "its route in table local is gone, so that packets to it do not arrive"
        case .ending: "somebody gave it a lifetime"
        }
    }

    func summary(_ address: InterfaceAddress, _ reference: LinkReference) -> String {
        switch self {
        case .missing, .lost, .due, .unusable, .usable: "add address \(address) to \(reference)"
        case .unreached: "make address \(address) on \(reference) reachable again"
        case .ending: "keep address \(address) on \(reference) for good"
        }
    }
}

extension InterfaceAddress {
    /// Whether a link cannot have both: of IPv6 the kernel knows an address of a link once, whatever its prefix length
    /// (`ipv6_chk_same_addr`).
    fileprivate func excludes(_ other: InterfaceAddress) -> Bool {
        self != other && address == other.address && address.family == .ipv6
    }
}

extension ObservedAddress {
    /// Addresses that bulkhead answers for: of IPv4 all but those that are leased, of IPv6 those without a lifetime; link-local IPv6 ones are the
    /// kernel's.
    var isManaged: Bool {
        address.address.family == .ipv4 || (isPermanent && !address.address.isLinkLocal)
    }

    /// Whether what runs in a compartment got it for a time: a DHCP client asks for its own, where the manifest gives the card
    /// no address of IPv4. On the host's side of a network nobody asks.
    func isLeased(in space: NamespaceRef, beside given: [InterfaceAddress]) -> Bool {
        space != .host && address.address.family == .ipv4 && !isPermanent
            && !given.contains { $0.address.family == .ipv4 }
    }
}
