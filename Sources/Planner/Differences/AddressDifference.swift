internal import Addressing
internal import Model

extension Builder {
    /// Addresses of one of our links: every one for good that the manifest does not give is surplus.
    mutating func compareAddresses(
        _ wanted: [InterfaceAddress], on reference: LinkReference, present link: ObservedLink?, owner: ObjectID,
        source: SourceLocation
    ) {
        let desired = Set(wanted)
        let observed = link.flatMap { context.addresses[reference.namespace]?[$0.index] } ?? []
        let there = observed.filter { $0.isManaged || desired.contains($0.address) }
        for address in wanted.sorted() {
            let state = AddressState(there.first { $0.address == address })
            if state != .usable { appendAddress(address, state, on: reference, owner: owner, source: source) }
        }
        for address in there.map(\.address).sorted() where !desired.contains(address) {
            steps.append(
                Step(
                    id: "address/\(place(reference))/\(address)", action: .delete, owner: owner, kind: "address",
                    namespace: reference.namespace, summary: "remove address \(address) from \(reference)",
                    reason: "the manifest does not give it",
                    disruption: Disruption(Disruption.outage, users(of: owner)), source: source,
                    before: [Property("address", address.description)],
                    operations: [.removeAddress(reference, address)], inverse: [.addAddress(reference, address)],
                    phase: .reduce))
        }
    }

    private mutating func appendAddress(
        _ address: InterfaceAddress, _ state: AddressState, on reference: LinkReference, owner: ObjectID,
        source: SourceLocation
    ) {
        let add = Operation.addAddress(reference, address)
        let remove = Operation.removeAddress(reference, address)
        let (action, operations, inverse): (Step.Action, [Operation], [Operation]) =
            switch state {
            case .missing, .usable: (.create, [add], [remove])
            case .unusable: (.replace, [remove, add], [add])
            case .ending: (.update, [add], [])
            }
        steps.append(
            Step(
                id: "address/\(place(reference))/\(address)", action: action, owner: owner, kind: "address",
                namespace: reference.namespace,
                summary: state == .ending
                    ? "keep address \(address) on \(reference) for good" : "add address \(address) to \(reference)",
                reason: state.reason, source: source, after: [Property("address", address.description)],
                // One that failed before works afterwards, undone or not, and one with a lifetime stays; what undoing
                // must not do is lose it.
                isIrreversible: state == .unusable || state == .ending, requires: requirement(reference),
                operations: operations,
                inverse: inverse, phase: reference.namespace == .host ? .host : .compartments))
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
    /// Duplicate address detection has not ended, or found another.
    case unusable
    /// With a lifetime.
    case ending
    case usable

    init(_ address: ObservedAddress?) {
        guard let address else {
            self = .missing
            return
        }
        self = address.isTentative ? .unusable : address.isPermanent && !address.isDeprecated ? .usable : .ending
    }

    var reason: String {
        switch self {
        case .missing, .usable: "the manifest gives it"
        case .unusable: "duplicate address detection left it unusable"
        case .ending: "somebody gave it a lifetime"
        }
    }
}

extension ObservedAddress {
    /// Addresses that bulkhead answers for: all of IPv4, of IPv6 those without a lifetime; link-local IPv6 ones are the
    /// kernel's.
    var isManaged: Bool {
        address.address.family == .ipv4 || (isPermanent && !address.address.isLinkLocal)
    }
}
