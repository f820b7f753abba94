internal import Addressing
internal import Model

/// The other side of a connection, as the rules of one endpoint see it.
struct PeerView {
    var party: Party
    var address: IPAddress
}

extension PolicyService {
    func matches(_ service: ConnectionService, _ family: AddressFamily) -> Bool {
        switch (self, service) {
        case (.transport(let mine, let ports), .transport(let other, let port)):
            mine == other && (ports?.contains { $0.first <= port && port <= $0.last } ?? true)
        case (.icmp(let mine, let types), .icmp(let type)): mine == family && types?.contains(type) ?? true
        case (.transport, _), (.icmp, _): false
        }
    }
}

extension PolicyProgram {
    /// Whether a rule is about this peer and service.
    func matches(_ rule: PolicyRule, _ peer: PeerView, _ service: ConnectionService, _ members: GroupMembers) -> Bool {
        (rule.services?.contains { $0.matches(service, peer.address.family) } ?? true)
            && (rule.peers?.contains { Self.matches($0, peer, members) } ?? true)
    }

    private static func matches(_ peer: PolicyPeer, _ view: PeerView, _ members: GroupMembers) -> Bool {
        if let group = peer.group {
            guard case .endpoint(let name) = view.party, members.contains(name, group) else { return false }
        }
        if let block = peer.block, !block.contains(view.address) { return false }
        switch (peer.entity, view.party) {
        case (nil, _), (.host, .host), (.world, .outside): return true
        case (.host, .endpoint), (.host, .outside), (.world, .endpoint), (.world, .host): return false
        }
    }
}

/// Members of groups by key, for look-up in constant time.
struct GroupMembers {
    private var groups: [String: Set<ObjectName>] = [:]

    init(_ policies: [Policy]) {
        for policy in policies {
            for direction in TrafficDirection.allCases {
                for rule in policy[direction]?.rules ?? [] {
                    for group in (rule.peers ?? []).compactMap(\.group) where groups[group.key] == nil {
                        groups[group.key] = Set(group.members)
                    }
                }
            }
        }
    }

    func contains(_ name: ObjectName, _ group: PeerGroup) -> Bool { groups[group.key]?.contains(name) ?? false }

    /// Keys of the groups that the endpoint is a member of, sorted.
    func keys(of name: ObjectName) -> [String] { groups.filter { $0.value.contains(name) }.keys.sorted() }
}
