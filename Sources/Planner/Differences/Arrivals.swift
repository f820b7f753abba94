internal import Addressing
internal import Firewall
internal import Model

/// Endpoints and addresses that come.
///
/// Somebody may have sent to an address before the endpoint with it comes: what was let through then would be known
/// later, and what waits in the host for a neighbour with that address has passed all rules. Both go when the rules are
/// in force and the way to the address is what it will be, and before there is a card with it.
extension Builder {
    /// Manifest objects whose links were not there at all.
    func freshOwners() -> Set<String> {
        let networks = context.desired.networks.filter {
            context.link(LinkReference(.host, $0.bridge.text)) == nil
        }
        let endpoints = context.desired.endpoints.filter {
            $0.router == nil && context.link(LinkReference(.host, $0.hostInterface.text)) == nil
        }
        return Set(endpoints.map(\.id.description) + networks.map(\.id.description))
    }

    /// One step for all of them. What it cuts is nobody's: connections to addresses before somebody had them.
    mutating func clearWay(_ live: Ruleset) {
        // Nobody comes by rules alone.
        guard !context.options.comparesRulesAlone else { return }
        let known = live.tables.isEmpty ? nil : live.checkedSources
        let endpoints = context.desired.endpoints.filter { !context.standing.hasRules || !context.stands($0) }
        let arrivals = endpoints.compactMap { endpoint in arrival(endpoint, known) }
        let entries = arrivals.flatMap(\.entries)
        let blocks = Set(arrivals.flatMap(\.blocks)).sorted()
        guard let first = arrivals.first, !entries.isEmpty || !blocks.isEmpty else { return }
        let count = arrivals.count == 1 ? "\(first.endpoint.id)" : "\(arrivals.count) endpoints"
        steps.append(
            Step(
                id: "connections/arrivals", action: .update, owner: nil, kind: .connections,
                summary: "forget connections to the addresses of \(count)",
                reason: "addresses come; what was sent to them before was not judged by their policies",
                source: first.endpoint.metadata.source, operations: [.clearWay(entries, behind: blocks)], inverse: [],
                phase: .host))
    }

    /// An endpoint with the addresses that are new.
    private struct Arrival {
        let endpoint: Endpoint
        let entries: [NeighbourEntry]
        let blocks: [IPPrefix]
    }

    private func arrival(_ endpoint: Endpoint, _ known: Set<String>?) -> Arrival? {
        guard !endpoint.isOnGround, endpoint.router == nil, !isLeftOut(endpoint),
            let network = context.networks[endpoint.network]
        else {
            return nil
        }
        let bridge = LinkReference(.host, network.bridge.text)
        let isNew =
            present(bridge) == nil || present(LinkReference(.host, endpoint.hostInterface.text)) == nil
        // Of an endpoint that is there, the rules say by which addresses it was known.
        guard isNew || (known != nil && endpoint.checksAddresses) else { return nil }
        let new = endpoint.identities.filter { prefix in
            isNew || !(known?.contains(Ruleset.source(endpoint, prefix)) ?? false)
        }
        guard !new.isEmpty else { return nil }
        return Arrival(
            endpoint: endpoint,
            entries: new.filter { $0.length == $0.family.width }.map {
                NeighbourEntry(link: bridge, address: $0.address, mac: nil)
            }, blocks: new.filter { $0.length < $0.family.width })
    }
}
