internal import Addressing
internal import JSON
internal import Model
internal import Reachability

/// The chains that policies become: one a policy and direction, and one for every different list of policies that
/// endpoints have. Base chains find an endpoint's list by map.
struct PolicyChains {
    let input: CompilerInput
    let place: Place
    let groups: PeerGroups

    init(_ input: CompilerInput, _ place: Place) {
        self.input = input
        self.place = place
        groups = PeerGroups(place, input)
    }

    /// All chains but the base chains.
    func chains() -> [Chain] {
        place.directions.flatMap { direction -> [Chain] in
            let profiles = profiles(direction)
            let used = Set(profiles.flatMap { $0.enforced + $0.audits })
            let policies = input.program.policies.enumerated().filter { used.contains($0.offset) }
            return policies.compactMap { policyChain($0.element, direction) } + profiles.map(profileChain)
        }
    }

    /// Different profiles, in the order of their first endpoint.
    private func profiles(_ direction: TrafficDirection) -> [PolicyProgram.Profile] {
        var seen: Set<PolicyProgram.Profile> = []
        return input.desired.endpoints.compactMap { input.program.profile(direction, of: $0.metadata.name) }
            .filter { seen.insert($0).inserted }
    }

    /// Endpoints that policies speak of, and where what is theirs is decided. What comes in to one on another host is
    /// decided there, isolation included: here it passes.
    private func ends(_ direction: TrafficDirection) -> [(endpoint: Endpoint, verdict: JSON)] {
        let own = input.desired.endpoints.compactMap { endpoint in
            input.program.profile(direction, of: endpoint.metadata.name).map { (endpoint, Nft.jump(name($0))) }
        }
        switch (direction, place) {
        case (.ingress, .inet): return own + input.policedRemotes.map { ($0, Nft.accept) }
        case (.ingress, .bridge), (.egress, .inet), (.egress, .bridge): return own
        }
    }

    /// Elements that lead an endpoint's packets to its list: by its interface and addresses.
    func members(_ direction: TrafficDirection, _ family: AddressFamily) -> (single: [Element], blocks: [Element]) {
        var result: (single: [Element], blocks: [Element]) = ([], [])
        for (endpoint, verdict) in ends(direction) {
            guard let interface = input.interface(of: endpoint, place) else { continue }
            for source in endpoint.identities(family) {
                let element = Element(
                    key: Nft.concat(.string(interface), Nft.prefix(source)), data: verdict,
                    comment: endpoint.id.description)
                if source.length == family.width {
                    result.single.append(element)
                } else {
                    result.blocks.append(element)
                }
            }
        }
        return result
    }

    /// Elements that lead to the ingress list of an endpoint that the host can reach by its addresses alone. Where the host
    /// has a side, prefixes are disjoint, and so no address is of two.
    func hostReached(_ family: AddressFamily) -> [Element] {
        var seen: Set<IPAddress> = []
        return input.desired.endpoints.flatMap { endpoint -> [Element] in
            guard let profile = input.program.profile(.ingress, of: endpoint.metadata.name),
                input.networks[endpoint.network]?.hasHostSide ?? false
            else { return [] }
            return endpoint.addresses.map(\.address).filter { $0.family == family && seen.insert($0).inserted }.map {
                Element(key: .string($0.description), data: Nft.jump(name(profile)), comment: endpoint.id.description)
            }
        }
    }

    /// Elements that lead to an endpoint's list by its MACs.
    func cardMembers(_ direction: TrafficDirection) -> [Element] {
        ends(direction).flatMap { endpoint, verdict in
            input.cardKeys(of: endpoint, place).map {
                Element(key: $0, data: verdict, comment: endpoint.id.description)
            }
        }
    }

    /// Elements that lead frames to a port to the list of its endpoint.
    func portMembers() -> [Element] {
        input.desired.endpoints.compactMap { endpoint in
            input.program.profile(.ingress, of: endpoint.metadata.name).map {
                Element(
                    key: .string(endpoint.hostInterface.text), data: Nft.jump(name($0)),
                    comment: endpoint.id.description)
            }
        }
    }

    // MARK: Lists

    private func name(_ profile: PolicyProgram.Profile) -> String {
        let names = (profile.audits + [-1] + profile.enforced).map { place in
            place < 0 ? "|" : input.program.policies[place].metadata.name.text
        }
        let hash = StableHash.hash(names.joined(separator: " "), "\(profile.fallback.isIsolation)")
        return "\(profile.direction.rawValue)-\(StableHash.base32(hash, count: 8))"
    }

    private func profileChain(_ profile: PolicyProgram.Profile) -> Chain {
        let jumps = (profile.audits + profile.enforced).map { place in
            Rule([Nft.jump(policyName(input.program.policies[place], profile.direction))])
        }
        return Chain(name: name(profile), rules: jumps + [fallback(profile)])
    }

    private func fallback(_ profile: PolicyProgram.Profile) -> Rule {
        func comment(_ place: Int) -> String {
            PolicyProgram.defaultID(input.program.policies[place], profile.direction)
        }
        switch profile.fallback {
        case .deny(let policy): return Rule([Nft.counter, Nft.drop], comment: comment(policy))
        case .allow(let policy): return Rule([Nft.counter, Nft.accept], comment: comment(policy))
        case .isolation: return Rule([Nft.goto(Self.isolationChain(profile.direction))], comment: "isolation decides")
        }
    }

    /// Where `pass` leads.
    static func isolationChain(_ direction: TrafficDirection) -> String { "isolation-\(direction.rawValue)" }

    /// The policy that a chain of that name is for, as comments name it.
    static func policy(ofChain name: String) -> String? {
        for direction in TrafficDirection.allCases {
            for kind in ["policy", "audit"] {
                let prefix = "\(kind)-\(direction.rawValue)-"
                if name.hasPrefix(prefix) { return "\(ObjectKind.policy.rawValue)/\(name.dropFirst(prefix.count))" }
            }
        }
        return nil
    }

    private func policyName(_ policy: Policy, _ direction: TrafficDirection) -> String {
        "\(policy.isAudit ? "audit" : "policy")-\(direction.rawValue)-\(policy.metadata.name)"
    }

    // MARK: Rules

    /// How a rule is called in the kernel: in log prefixes, and in comments.
    private struct RuleNames {
        let id: String
        let comment: String
    }

    private func policyChain(_ policy: Policy, _ direction: TrafficDirection) -> Chain? {
        guard let half = policy[direction] else { return nil }
        let matches = PeerMatches(groups, direction)
        var rules = half.rules.flatMap { rule in
            let names = RuleNames(
                id: PolicyProgram.ruleID(policy, direction, rule),
                comment: PolicyProgram.ruleComment(policy, direction, rule))
            return alternatives(rule, matches).flatMap { alternative in
                policy.isAudit
                    ? audited(rule, names, alternative) : enforced(rule, names, alternative, direction)
            }
        }
        if policy.isAudit && half.deniesByDefault {
            let comment = PolicyProgram.defaultID(policy, direction)
            rules += [Rule(log(.kernel, "audit", comment)), Rule([Nft.counter], comment: comment)]
        }
        return Chain(name: policyName(policy, direction), rules: rules)
    }

    private func alternatives(_ rule: PolicyRule, _ matches: PeerMatches) -> [Alternative] {
        let services = ServiceMatches.alternatives(rule.services)
        return matches.alternatives(rule.peers).flatMap { peer in services.compactMap { $0.and(peer)?.complete(place) }
        }
    }

    private func enforced(
        _ rule: PolicyRule, _ names: RuleNames, _ match: Alternative, _ direction: TrafficDirection
    ) -> [Rule] {
        let comment = names.comment
        let logs = rule.log.map { [Rule(match.expressions + log($0, rule.action.rawValue, names.id))] } ?? []
        switch rule.action {
        case .allow: return logs + [Rule(match.expressions + [Nft.counter, Nft.accept], comment: comment)]
        case .deny: return logs + [Rule(match.expressions + [Nft.counter, Nft.drop], comment: comment)]
        case .pass:
            let target = Nft.goto(Self.isolationChain(direction))
            return logs + [Rule(match.expressions + [Nft.counter, target], comment: comment)]
        case .reject: return logs + rejections(match).map { Rule($0, comment: comment) }
        }
    }

    /// A TCP connection is reset, everything else gets an ICMP error. To a frame for a group there is no answer.
    private func rejections(_ match: Alternative) -> [[JSON]] {
        let plain = match.expressions + [Nft.counter]
        switch place {
        case .bridge: return [plain + [Nft.drop]]
        case .inet:
            if match.transport == .tcp { return [plain + [Nft.reset]] }
            guard match.takesTCP else { return [plain + [Nft.refuse]] }
            let tcp = Nft.equal(Nft.meta("l4proto"), Nft.number(.tcp))
            return [match.expressions + [tcp, Nft.counter, Nft.reset], plain + [Nft.refuse]]
        }
    }

    /// What an audit policy would deny is counted and logged; nothing is decided.
    private func audited(_ rule: PolicyRule, _ names: RuleNames, _ match: Alternative) -> [Rule] {
        switch rule.action {
        case .allow, .pass: return [Rule(match.expressions + [Nft.back], comment: names.comment)]
        case .deny, .reject:
            return [
                Rule(match.expressions + log(rule.log ?? .kernel, "audit", names.id)),
                Rule(match.expressions + [Nft.counter, Nft.back], comment: names.comment),
            ]
        }
    }

    /// `bh:VERDICT:ID `, ten a second at most.
    private func log(_ target: RuleLog, _ verdict: String, _ comment: String) -> [JSON] {
        let limit: JSON = ["limit": ["rate": 10, "burst": 5, "per": "second"]]
        let prefix = JSON.string("bh:\(verdict):\(comment) ")
        switch target {
        case .nflog(let group): return [limit, ["log": ["prefix": prefix, "group": .int(Int64(group))]]]
        case .kernel: return [limit, ["log": ["prefix": prefix]]]
        }
    }
}

extension PolicyProgram.Fallback {
    fileprivate var isIsolation: Bool {
        switch self {
        case .isolation: true
        case .deny, .allow: false
        }
    }
}
