internal import Addressing
internal import Model

extension StateBuilder {
    /// Endpoints that policies select must be told from one another by address; this needs the automatic ones, too.
    mutating func checkIdentities() {
        guard !documents.policies.isEmpty else { return }
        var selected: [ObjectName: PolicyDocument] = [:]
        for policy in documents.policies {
            for endpoint in documents.endpoints where policy.selects(endpoint) && selected[endpoint.head.name] == nil {
                selected[endpoint.head.name] = policy
            }
        }
        let groups = Dictionary(grouping: documents.endpoints) { endpoint in
            let isOne = networks[endpoint.network.value]?.type.value == .overlay
            return "\(endpoint.network.value) \(isOne ? "" : endpoint.host?.value ?? "")"
        }
        for key in groups.keys.sorted() {
            let endpoints = groups[key] ?? []
            // Own addresses never collide with one another: the rest is about what is allowed beside them.
            if endpoints.contains(where: { !$0.allowedAddresses.isEmpty }) { checkIdentities(endpoints, selected) }
        }
    }

    private struct Claim {
        var prefix: IPPrefix
        var endpoint: EndpointDocument
    }

    private mutating func checkIdentities(
        _ endpoints: [EndpointDocument], _ selected: [ObjectName: PolicyDocument]
    ) {
        let claims = endpoints.flatMap { endpoint in
            (endpoint.allowedAddresses + (addresses[endpoint.head.name] ?? []).map { IPPrefix(host: $0.address) })
                .map { Claim(prefix: $0, endpoint: endpoint) }
        }.sorted { ($0.prefix, $0.endpoint.head.name) < ($1.prefix, $1.endpoint.head.name) }
        var open: [Claim] = []
        var told: Set<[ObjectName]> = []
        for claim in claims {
            // Prefixes nest or are apart, so those that still matter are those around this one.
            while let last = open.last, !last.prefix.contains(claim.prefix) { open.removeLast() }
            for other in open where other.endpoint.head.name != claim.endpoint.head.name {
                let pair = [other.endpoint.head.name, claim.endpoint.head.name].sorted()
                guard let policy = pair.lazy.compactMap({ selected[$0] }).first, told.insert(pair).inserted
                else { continue }
                ambiguous(claim, other, policy)
            }
            open.append(claim)
        }
    }

    private mutating func ambiguous(_ claim: Claim, _ other: Claim, _ policy: PolicyDocument) {
        let shared = claim.prefix.length == claim.prefix.family.width ? "\(claim.prefix.address)" : "\(claim.prefix)"
        diagnostics.append(
            Diagnostic(
                .error,
                "\(shared) may be a source of both Endpoint/\(other.endpoint.head.name) (\(other.endpoint.head.at)) and "
                    + "Endpoint/\(claim.endpoint.head.name) (\(claim.endpoint.head.at)), and Policy/\(policy.head.name) selects one of "
                    + "them; rules match by address and could not tell them apart: narrow 'allowedAddresses'",
                at: policy.target.at))
    }
}
