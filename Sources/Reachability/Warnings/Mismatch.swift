internal import Addressing
internal import Model

extension PolicyWarnings {
    /// Rules whose peers are endpoints with an address in a `cidr` where none of them has one.
    static func mismatched(
        _ desired: DesiredState, _ reachability: Reachability, _ budget: inout Budget
    ) -> [Diagnostic] {
        var result: [Diagnostic] = []
        for policy in desired.policies {
            for rule in TrafficDirection.allCases.flatMap({ policy[$0]?.rules ?? [] }) {
                guard let peers = rule.peers, !peers.isEmpty else { continue }
                var blocks: [String] = []
                for peer in peers {
                    guard let group = peer.group, !group.members.isEmpty, let block = peer.block else { break }
                    guard budget.take(group.members.count) else { return result }
                    if group.members.contains(where: { reachability.mayHave($0, block) }) { break }
                    blocks.append(block.prefix.description)
                }
                guard blocks.count == peers.count else { continue }
                let place = Set(blocks).sorted().joined(separator: ", ")
                result.append(
                    warning(
                        "rule \(policy.metadata.name)/\(rule.name) never matches: no endpoint among its peers has an address in \(place)",
                        at: rule.source))
            }
        }
        return result
    }
}

extension Reachability {
    /// Whether packets known as the endpoint's can have an address of the block.
    fileprivate func mayHave(_ name: ObjectName, _ block: AddressBlock) -> Bool {
        // On another Host, or using link-local addresses that no manifest knows.
        guard let endpoint = endpoint(name), !block.prefix.overlaps(Self.linkLocals) else { return true }
        let own = endpoint.addresses.map { IPPrefix(host: $0.address) } + endpoint.allowedAddresses
        return own.contains { prefix in
            prefix.overlaps(block.prefix) && !block.except.contains { $0.contains(prefix) }
        }
    }

    private static let linkLocals = IPPrefix(containing: .v6(IPv6Address(value: 0xfe80 << 112)), length: 10)
}
