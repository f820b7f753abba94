internal import Addressing
internal import Model

extension StateBuilder {
    /// Policies that select one of the chosen endpoints, in the order in which they are asked; their peers are sought
    /// among all that this host knows.
    func policies(selecting chosen: [EndpointDocument], among endpoints: [EndpointDocument]) -> [Policy] {
        guard !chosen.isEmpty else { return [] }
        var groups: [String: PeerGroup] = [:]
        return documents.policies.compactMap { document -> Policy? in
            let selected = chosen.filter(document.selects).map(\.head.name).sorted()
            guard !selected.isEmpty else { return nil }
            return Policy(
                metadata: document.head.metadata, priority: document.priority, isAudit: document.isAudit,
                selected: selected, ingress: document.ingress.map { direction($0, endpoints, &groups) },
                egress: document.egress.map { direction($0, endpoints, &groups) },
                keepsConnections: document.keepsConnections)
        }.sorted { ($0.priority, $0.metadata.name) < ($1.priority, $1.metadata.name) }
    }

    private func direction(
        _ document: PolicyDocument.Direction, _ endpoints: [EndpointDocument], _ groups: inout [String: PeerGroup]
    ) -> PolicyDirection {
        PolicyDirection(
            deniesByDefault: document.deniesByDefault,
            rules: document.rules.map { rule in
                PolicyRule(
                    name: rule.name, action: rule.action,
                    peers: rule.peers.map { peers in peers.map { peer($0, endpoints, &groups) } },
                    services: rule.services.map { $0.map(Self.service) }, log: rule.log.map(Self.log), source: rule.at)
            }, source: document.at)
    }

    private func peer(
        _ document: PolicyDocument.Peer, _ endpoints: [EndpointDocument], _ groups: inout [String: PeerGroup]
    ) -> PolicyPeer {
        var group: PeerGroup?
        if document.hasGroup {
            let key = document.groupKey
            let known =
                groups[key]
                ?? PeerGroup(key: key, members: endpoints.filter(document.selects).map(\.head.name).sorted())
            groups[key] = known
            group = known
        }
        let block = document.cidr.map {
            AddressBlock(prefix: $0.value, except: Self.disjoint(document.except.map(\.value)))
        }
        return PolicyPeer(group: group, block: block, entity: document.entity?.value, source: document.at)
    }

    /// Sorted, without those that lie in others.
    private static func disjoint(_ prefixes: [IPPrefix]) -> [IPPrefix] {
        prefixes.sorted().reduce(into: []) { list, prefix in
            if !(list.last?.contains(prefix) ?? false) { list.append(prefix) }
        }
    }

    private static func service(_ document: PolicyDocument.Service) -> PolicyService {
        switch document.kind {
        case .transport(let transport): .transport(transport, document.ports?.map(\.value))
        case .icmp(let family):
            .icmp(family, document.types.map { $0.compactMap { ICMPTypes.number($0.value, family) } })
        }
    }

    private static func log(_ document: PolicyDocument.Log) -> RuleLog {
        document.isKernel ? .kernel : .nflog(group: document.group?.value ?? 0)
    }
}
