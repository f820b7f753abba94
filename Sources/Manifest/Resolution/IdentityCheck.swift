internal import Addressing
internal import Model

extension StateBuilder {
    /// Endpoints that policies select must be told from one another by address, on segments that others share all of them
    /// and from those others; this needs the automatic addresses, too.
    mutating func checkIdentities() {
        let (guests, others) = documents.endpoints.reduce(into: ([EndpointDocument](), [EndpointDocument]())) {
            if isShared($1) { $0.0.append($1) } else { $0.1.append($1) }
        }
        for endpoint in guests { checkSegment(endpoint) }
        checkIdentities(guests, needsPolicy: false)
        if !documents.policies.isEmpty { checkIdentities(others, needsPolicy: true) }
    }

    private func isShared(_ endpoint: EndpointDocument) -> Bool {
        guard let network = networks[endpoint.network.value] else { return false }
        // Behind an l2bridge there is nobody but endpoints.
        return network.type.value != .l2bridge && (network.existingBridge != nil || network.uplink != nil)
    }

    /// Whoever sends from an address that an endpoint of such a segment may use is taken for it.
    private mutating func checkSegment(_ endpoint: EndpointDocument) {
        guard let network = networks[endpoint.network.value] else { return }
        let subnets = network.subnets.map(\.prefix.value)
        for prefix in endpoint.allowedAddresses {
            let all = subnets.first { prefix.contains($0) }.map { "\($0), all" } ?? (prefix.isDefault ? "all" : nil)
            guard let all else { continue }
            diagnostics.append(
                Diagnostic(
                    .error,
                    "'allowedAddresses' of Endpoint/\(endpoint.head.name) has \(prefix) with \(all) of Network/\(network.head.name), "
                        + "on which there are others than endpoints; their packets would count as forged: name what is behind the endpoint",
                    at: endpoint.head.at))
        }
    }

    private mutating func checkIdentities(_ all: [EndpointDocument], needsPolicy: Bool) {
        var selected: [ObjectName: PolicyDocument] = [:]
        for policy in documents.policies {
            for endpoint in all where policy.selects(endpoint) && selected[endpoint.head.name] == nil {
                selected[endpoint.head.name] = policy
            }
        }
        let groups = Dictionary(grouping: all) { endpoint in
            let isOne = networks[endpoint.network.value]?.type.value == .overlay
            return "\(endpoint.network.value) \(isOne ? "" : endpoint.host?.value ?? "")"
        }
        for key in groups.keys.sorted() {
            let endpoints = groups[key] ?? []
            // Own addresses never collide with one another: the rest is about what is allowed beside them.
            if endpoints.contains(where: { !$0.allowedAddresses.isEmpty }) {
                checkIdentities(endpoints, selected, needsPolicy)
            }
        }
    }

    private struct Claim {
        var prefix: IPPrefix
        var endpoint: EndpointDocument
    }

    private mutating func checkIdentities(
        _ endpoints: [EndpointDocument], _ selected: [ObjectName: PolicyDocument], _ needsPolicy: Bool
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
                let policy = pair.lazy.compactMap { selected[$0] }.first
                guard policy != nil || !needsPolicy, told.insert(pair).inserted else { continue }
                ambiguous(claim, other, policy)
            }
            open.append(claim)
        }
    }

    private mutating func ambiguous(_ claim: Claim, _ other: Claim, _ policy: PolicyDocument?) {
        let shared = claim.prefix.length == claim.prefix.family.width ? "\(claim.prefix.address)" : "\(claim.prefix)"
        let who =
            "\(shared) may be a source of both Endpoint/\(other.endpoint.head.name) (\(other.endpoint.head.at)) and "
            + "Endpoint/\(claim.endpoint.head.name) (\(claim.endpoint.head.at)), "
        let why =
            policy.map {
                "and Policy/\($0.head.name) selects one of them; rules match by address and could not tell them apart"
            }
            ?? "on Network/\(claim.endpoint.network.value), where there are others than endpoints, and these are known by address"
        diagnostics.append(
            Diagnostic(
                .error, "\(who)\(why): narrow 'allowedAddresses'",
                at: policy?.target.at ?? claim.endpoint.head.at))
    }
}
