internal import Model

extension PolicyWarnings {
    /// Endpoints without antiSpoof beside ones that policies guard: they could send as somebody whom a rule allows.
    static func impersonators(_ desired: DesiredState) -> [Diagnostic] {
        let guarded = Set(
            desired.policies.filter { !$0.isAudit && $0.ingress != nil }.flatMap(\.selected))
        let networks = Dictionary(
            desired.networks.map { ($0.metadata.name, $0) }, uniquingKeysWith: { first, _ in first })
        var victims: [ObjectName: ObjectName] = [:]
        for endpoint in desired.endpoints where guarded.contains(endpoint.metadata.name) {
            for network in [endpoint.network] + (networks[endpoint.network]?.peers ?? [])
            where victims[network] == nil { victims[network] = endpoint.metadata.name }
        }
        return desired.endpoints.compactMap { endpoint in
            guard let victim = victims[endpoint.network] else { return nil }
            let name = endpoint.metadata.name
            if !endpoint.antiSpoof {
                return warning(
                    "Endpoint/\(name) has no antiSpoof: it could send from the address of somebody whom the policies of Endpoint/\(victim) allow",
                    at: endpoint.metadata.source)
            }
            guard endpoint.addresses.isEmpty, endpoint.allowedAddresses.isEmpty,
                namesBlocks(desired, victim) || desired.endpoints.contains(where: { !$0.allowedAddresses.isEmpty })
            else { return nil }
            return warning(
                "Endpoint/\(name) has no addresses: it could send from one that nobody has and that the policies of Endpoint/\(victim) allow by 'cidr', or as one of the 'allowedAddresses' of another",
                at: endpoint.metadata.source)
        }
    }

    /// Whether a rule about what comes to the endpoint names addresses.
    private static func namesBlocks(_ desired: DesiredState, _ name: ObjectName) -> Bool {
        desired.policies.contains { policy in
            !policy.isAudit && policy.selected.contains(name)
                && (policy.ingress?.rules ?? []).contains { $0.peers?.contains { $0.block != nil } ?? false }
        }
    }
}
