import Addressing
import Model
import Reachability

/// The sentences of the contract, one after the other, in the most simple-minded way; shares nothing with
/// `Reachability` but the types of questions.
struct NaiveModel {
    let state: DesiredState

    func endpoint(_ party: Party) -> Endpoint? {
        guard case .endpoint(let name) = party else { return nil }
        return state.endpoints.first { $0.metadata.name == name }
    }

    func network(_ party: Party) -> Network? {
        endpoint(party).flatMap { endpoint in state.networks.first { $0.metadata.name == endpoint.network } }
    }

    func passes(_ connection: Connection) -> Bool {
        let (from, to) = (endpoint(connection.source), endpoint(connection.destination))
        if let from, let to, from.compartment != nil, from.compartment == to.compartment { return true }
        if let from, !from.enabled { return false }
        if connection.destination == .host, case .transport(let transport, let port) = connection.service {
            for target in state.endpoints {
                for mapping in target.portMappings where mapping.transport == transport {
                    guard mapping.hostPorts.first <= port, port <= mapping.hostPorts.last,
                        mapping.families.contains(connection.destinationAddress.family),
                        let address = target.addresses.first(where: {
                            $0.address.family == connection.destinationAddress.family
                        })
                    else { continue }
                    return passesPublished(
                        connection, target, address.address, mapping.ports.first + (port - mapping.hostPorts.first))
                }
            }
        }
        if let to, !to.enabled { return false }
        return isOpen(connection) && hasRoutes(connection) && rulesAllow(connection)
    }

    private func passesPublished(
        _ connection: Connection, _ target: Endpoint, _ address: IPAddress, _ port: UInt16
    ) -> Bool {
        guard target.enabled else { return false }
        var inner = connection
        inner.destination = .endpoint(target.metadata.name)
        inner.destinationAddress = address
        if case .transport(let transport, _) = connection.service { inner.service = .transport(transport, port: port) }
        if let network = network(connection.source) {
            if network.type == .private || network.type == .overlay { return false }
            let isSame = network.metadata.name == target.network
            if network.type == .internal, !isSame, !network.peers.contains(target.network) { return false }
            guard reaches(connection.source, connection.destinationAddress) else { return false }
            if isSame { return rulesAllow(inner) }
        }
        return reaches(inner.destination, connection.sourceAddress) && rulesAllow(inner)
    }

    /// Types, `inbound`, peers.
    private func isOpen(_ connection: Connection) -> Bool {
        let (from, to) = (network(connection.source), network(connection.destination))
        if let from, let to {
            return from.metadata.name == to.metadata.name
                || (from.peers.contains(to.metadata.name) && to.peers.contains(from.metadata.name))
        }
        if let from {
            return connection.destination == .host
                ? from.type != .private && from.type != .overlay : from.type == .nat || from.type == .transparent
        }
        if let to {
            return connection.source == .host
                ? to.type != .private && to.type != .overlay
                : to.type == .nat && to.inbound == .routed || to.type == .transparent
        }
        return true
    }

    private func hasRoutes(_ connection: Connection) -> Bool {
        reaches(connection.source, connection.destinationAddress)
            && reaches(connection.destination, connection.sourceAddress)
    }

    /// Random manifests have one card a compartment.
    private func reaches(_ party: Party, _ address: IPAddress) -> Bool {
        guard let endpoint = endpoint(party) else { return true }
        return endpoint.addresses.contains { $0.prefix.contains(address) }
            || endpoint.defaultGateways.contains { $0.family == address.family }
    }

    private func rulesAllow(_ connection: Connection) -> Bool {
        let isOut = decides(
            .egress, connection.source, connection.destination, connection.destinationAddress, connection.service)
        let isIn = decides(
            .ingress, connection.destination, connection.source, connection.sourceAddress, connection.service)
        return isOut && isIn
    }

    private func decides(
        _ direction: TrafficDirection, _ me: Party, _ other: Party, _ address: IPAddress, _ service: ConnectionService
    ) -> Bool {
        guard let endpoint = endpoint(me) else { return true }
        let mine = state.policies.filter {
            !$0.isAudit && $0.selected.contains(endpoint.metadata.name) && $0[direction] != nil
        }.sorted { ($0.priority, $0.metadata.name.text) < ($1.priority, $1.metadata.name.text) }
        for policy in mine {
            for rule in policy[direction]?.rules ?? [] {
                if !matches(rule, other, address, service) { continue }
                switch rule.action {
                case .allow: return true
                case .deny, .reject: return false
                case .pass: return isolationAllows(direction, endpoint, other)
                }
            }
        }
        if mine.contains(where: { $0[direction]?.deniesByDefault == true }) { return false }
        if !mine.isEmpty { return true }
        return isolationAllows(direction, endpoint, other)
    }

    private func isolationAllows(_ direction: TrafficDirection, _ endpoint: Endpoint, _ other: Party) -> Bool {
        guard let network = state.networks.first(where: { $0.metadata.name == endpoint.network }) else { return true }
        if direction == .ingress, network.deniesIntraNetwork, self.endpoint(other)?.network == endpoint.network {
            return false
        }
        return !(direction == .egress && network.deniesHostAccess && other == .host)
    }

    private func matches(_ rule: PolicyRule, _ other: Party, _ address: IPAddress, _ service: ConnectionService) -> Bool
    {
        var isService = rule.services == nil
        for candidate in rule.services ?? [] {
            switch candidate {
            case .transport(let transport, let ports):
                guard case .transport(let asked, let port) = service, asked == transport else { continue }
                if ports == nil { isService = true }
                for range in ports ?? [] where Int(range.first) <= Int(port) && Int(port) <= Int(range.last) {
                    isService = true
                }
            case .icmp(let family, let types):
                guard case .icmp(let type) = service, family == address.family else { continue }
                if types == nil || types?.contains(type) == true { isService = true }
            }
        }
        guard isService else { return false }
        guard let peers = rule.peers else { return true }
        return peers.contains { peer in
            var holds = true
            if let group = peer.group {
                holds = holds && endpoint(other).map { group.members.contains($0.metadata.name) } ?? false
            }
            if let block = peer.block {
                holds = holds && block.prefix.contains(address) && !block.except.contains { $0.contains(address) }
            }
            if let entity = peer.entity { holds = holds && other == (entity == .host ? .host : .outside) }
            return holds
        }
    }
}
