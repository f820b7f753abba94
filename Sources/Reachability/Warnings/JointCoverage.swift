internal import Addressing
internal import Model

/// Whether several rules together match everything that another one matches: by ports, types, families, addresses and
/// whose those are. What it says is certain; where it cannot tell, it says no.
struct JointCoverage {
    /// Most rules that are looked at together.
    static let limit = 64

    private let reachability: Reachability
    /// Addresses that are an endpoint's, and can be neither the host's nor the world's.
    let settled: BlockUnion
    private let endpoints: [ObjectName]

    init(_ desired: DesiredState, _ reachability: Reachability) {
        self.reachability = reachability
        let all = desired.endpoints + desired.remotes.map(\.endpoint)
        endpoints = all.map(\.metadata.name)
        let overlays = Set(desired.networks.filter { $0.overlay != nil }.map(\.metadata.name))
        // An overlay's addresses are its own alone; elsewhere somebody else may have them.
        let prefixes = desired.networks.filter { $0.overlay != nil }.flatMap(\.subnets).map(\.prefix)
        settled = BlockUnion(
            all.filter { !overlays.contains($0.network) }.flatMap(\.addresses).map(\.address)
                .filter { address in !prefixes.contains { $0.contains(address) } }
                .map { AddressBlock(prefix: IPPrefix(host: $0)) })
    }

    /// Places of the rules that leave nothing to another one; nil where they leave something, or there is nothing to
    /// leave. None of them can be left out, unless to find out would take too long.
    func cover(of rule: PolicyRule, by rules: [PolicyRule], _ budget: inout PolicyWarnings.Budget) -> [Int]? {
        let before = budget.left
        guard covers(rules, rule, &budget), !covers([], rule, &budget) else { return nil }
        var chosen = Array(rules.indices)
        let cost = before - budget.left
        for place in rules.indices.reversed() where cost * rules.count <= Self.thinningLimit {
            let fewer = chosen.filter { $0 != place }
            if covers(fewer.map { rules[$0] }, rule, &budget) { chosen = fewer }
        }
        return budget.isSpent ? nil : chosen
    }

    /// Comparisons for finding out which of the rules are needed.
    private static let thinningLimit = 100_000

    private func covers(
        _ rules: [PolicyRule], _ narrow: PolicyRule, _ budget: inout PolicyWarnings.Budget
    ) -> Bool {
        ServicePieces(narrow, rules).pieces.allSatisfy { piece in
            piece.families.allSatisfy { family in
                peersAreCovered(narrow, piece.rules.map { rules[$0] }, family, &budget)
            }
        }
    }

    // MARK: Peers

    private static let anyone = PolicyPeer(source: SourceLocation(file: "", line: 0, column: 0))

    private func peersAreCovered(
        _ narrow: PolicyRule, _ rules: [PolicyRule], _ family: AddressFamily, _ budget: inout PolicyWarnings.Budget
    ) -> Bool {
        let wide = rules.flatMap { $0.peers ?? [Self.anyone] }
        let bare = Self.union(wide.filter { $0.group == nil && $0.entity == nil }, family)
        return (narrow.peers ?? [Self.anyone]).allSatisfy { peer in
            guard budget.take(20) else { return false }
            let spans = Self.blocks(peer, family).flatMap(BlockUnion.spans).filter { !bare.covers($0, family) }
            return spans.isEmpty
                || strangersAreCovered(peer, wide, spans, family) && endpointsAre(peer, wide, spans, family, &budget)
        }
    }

    /// The host and the world, as far as the peer is about them.
    private func strangersAreCovered(
        _ peer: PolicyPeer, _ wide: [PolicyPeer], _ spans: [BlockUnion.Span], _ family: AddressFamily
    ) -> Bool {
        guard peer.group == nil else { return true }
        return PeerEntity.allCases.filter { peer.entity == nil || peer.entity == $0 }.allSatisfy { entity in
            let union = Self.union(
                wide.filter { $0.group == nil && ($0.entity == nil || $0.entity == entity) }, family)
            return spans.allSatisfy { union.covers($0, family, with: settled) }
        }
    }

    private func endpointsAre(
        _ peer: PolicyPeer, _ wide: [PolicyPeer], _ spans: [BlockUnion.Span], _ family: AddressFamily,
        _ budget: inout PolicyWarnings.Budget
    ) -> Bool {
        guard peer.entity == nil else { return true }
        let able = wide.filter { $0.entity == nil }
        let groups = able.map { $0.group.map { Set($0.members) } }
        let names = peer.group?.members ?? endpoints
        return names.allSatisfy { name in
            guard budget.take(max(able.count, 1)) else { return false }
            let mine = able.indices.filter { groups[$0]?.contains(name) ?? true }.map { able[$0] }
            let union = Self.union(mine, family)
            return possible(name, family).allSatisfy { own in
                spans.allSatisfy { span in
                    let (first, last) = (max(own.first, span.first), min(own.last, span.last))
                    return first > last || union.covers((first, last), family)
                }
            }
        }
    }

    /// Addresses by which packets are known as the endpoint's: link-local ones that no manifest knows included.
    private func possible(_ name: ObjectName, _ family: AddressFamily) -> [BlockUnion.Span] {
        guard let endpoint = reachability.endpoint(name) else {
            return BlockUnion.everything(of: family).map(BlockUnion.spans) ?? []
        }
        let prefixes =
            endpoint.addresses.map { IPPrefix(host: $0.address) } + endpoint.allowedAddresses + [
                Reachability.linkLocals
            ]
        return prefixes.filter { $0.family == family }.map { ($0.address.value, $0.last.value) }
    }

    private static func union(_ peers: [PolicyPeer], _ family: AddressFamily) -> BlockUnion {
        BlockUnion(peers.flatMap { blocks($0, family) })
    }

    /// What a peer's `cidr` leaves of a family.
    private static func blocks(_ peer: PolicyPeer, _ family: AddressFamily) -> [AddressBlock] {
        guard let block = peer.block else { return BlockUnion.everything(of: family).map { [$0] } ?? [] }
        return block.prefix.family == family ? [block] : []
    }
}
