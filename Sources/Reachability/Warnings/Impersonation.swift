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
            guard !endpoint.antiSpoof, let victim = victims[endpoint.network] else { return nil }
            return warning(
                "Endpoint/\(endpoint.metadata.name) has no antiSpoof: it could send from the address of somebody whom the policies of Endpoint/\(victim) allow",
                at: endpoint.metadata.source)
        }
    }
}
