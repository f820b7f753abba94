internal import Addressing
internal import Model

extension Builder {
    /// Addresses of one of our links: every permanent one that the manifest does not give is surplus.
    mutating func compareAddresses(
        _ wanted: [InterfaceAddress], on reference: LinkReference, present link: ObservedLink?, owner: ObjectID,
        source: SourceLocation
    ) {
        let there =
            link.map { link in
                (context.addresses[reference.namespace]?[link.index] ?? []).filter(\.isManaged)
            } ?? []
        let usable = Set(there.filter { !$0.isTentative }.map(\.address))
        for address in wanted.sorted() where !usable.contains(address) {
            let broken = there.contains { $0.address == address }
            let operations: [Operation] =
                (broken ? [.removeAddress(reference, address)] : []) + [.addAddress(reference, address)]
            steps.append(
                Step(
                    id: "address/\(place(reference))/\(address)", action: broken ? .replace : .create, owner: owner,
                    kind: "address", namespace: reference.namespace, summary: "add address \(address) to \(reference)",
                    reason: broken ? "duplicate address detection left it unusable" : "the manifest gives it",
                    source: source, after: [Property("address", address.description)],
                    // One that failed before works afterwards, undone or not; what undoing must not do is lose it.
                    isIrreversible: broken, requires: requirement(reference), operations: operations,
                    inverse: [broken ? .addAddress(reference, address) : .removeAddress(reference, address)],
                    phase: reference.namespace == .host ? .host : .compartments))
        }
        let desired = Set(wanted)
        for address in there.map(\.address).sorted() where !desired.contains(address) {
            steps.append(
                Step(
                    id: "address/\(place(reference))/\(address)", action: .delete, owner: owner, kind: "address",
                    namespace: reference.namespace, summary: "remove address \(address) from \(reference)",
                    reason: "the manifest does not give it", source: source,
                    before: [Property("address", address.description)],
                    operations: [.removeAddress(reference, address)], inverse: [.addAddress(reference, address)],
                    phase: .reduce))
        }
    }

    /// `host/bh-web` or `web-1/eth0`, as ids have it.
    func place(_ reference: LinkReference) -> String { "\(reference.namespace)/\(reference.name)" }
}

extension ObservedAddress {
    /// Addresses that bulkhead answers for: permanent ones; link-local IPv6 ones are the kernel's.
    var isManaged: Bool {
        isPermanent && !(address.address.family == .ipv6 && address.address.isLinkLocal)
    }
}
