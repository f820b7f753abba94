internal import Addressing
internal import Model

extension Builder {
    /// A warning for each automatic address that another endpoint's coming or going moves: whoever has it written down
    /// somewhere wants to know, and can fix it in the manifest.
    mutating func warnOfMovedAddresses() {
        let automatic = context.desired.endpoints.filter(\.hasAutomaticAddresses)
        guard !automatic.isEmpty else { return }
        var moves: [(endpoint: Endpoint, old: InterfaceAddress, new: InterfaceAddress)] = []
        for endpoint in automatic {
            guard let inner = context.card(of: endpoint), isOnNetwork(endpoint) else { continue }
            let there = (context.addresses[inner.namespace.reference]?[inner.link.index] ?? [])
                .filter(\.isManaged).map(\.address)
            for old in there.sorted() where !endpoint.addresses.contains(old) {
                guard let new = endpoint.addresses.first(where: { $0.prefix == old.prefix }), !there.contains(new)
                else { continue }
                moves.append((endpoint, old, new))
            }
        }
        // Who has what is asked where something moves, which is seldom.
        guard !moves.isEmpty else { return }
        let (before, after) = (holdersNow(), holdersThen())
        for (endpoint, old, new) in moves {
            warn(endpoint, old, new, cause: after[old.address] ?? before[new.address])
        }
    }

    /// Whether the card is on the network of its endpoint, and not still on another one.
    private func isOnNetwork(_ endpoint: Endpoint) -> Bool {
        guard let network = context.networks[endpoint.network] else { return false }
        if endpoint.isOnGround { return true }
        return present(LinkReference(.host, endpoint.hostInterface.text)).flatMap(masterName) == network.bridge.text
    }

    private mutating func warn(
        _ endpoint: Endpoint, _ old: InterfaceAddress, _ new: InterfaceAddress, cause: ObjectID?
    ) {
        let why = cause.map { "of \($0)" } ?? "the pool changed, or somebody changed it by hand"
        warn(
            "address of \(endpoint.id) moves because \(why): \(old.address) → \(new.address); `bulkhead plan --pin` prints "
                + "the `addresses:` lines that keep addresses where they are", at: endpoint.metadata.source)
    }

    /// Who has an address on its card now.
    private func holdersNow() -> [IPAddress: ObjectID] {
        var holders: [IPAddress: ObjectID] = [:]
        for link in context.observed.host.links {
            guard let owner = link.mark?.owner, owner.kind == .endpoint, let inner = context.peer(of: link)
            else { continue }
            for address in context.addresses[inner.namespace.reference]?[inner.link.index] ?? [] {
                holders[address.address.address] = owner
            }
        }
        for (space, link, mark) in context.markedMacvlans {
            for address in context.addresses[space.reference]?[link.index] ?? [] {
                holders[address.address.address] = mark.owner
            }
        }
        return holders
    }

    /// Who will have one.
    private func holdersThen() -> [IPAddress: ObjectID] {
        var holders: [IPAddress: ObjectID] = [:]
        for endpoint in context.desired.endpoints {
            for address in endpoint.addresses { holders[address.address] = endpoint.id }
        }
        return holders
    }
}
