internal import Model

extension Validator {
    /// Everything that is checked of one policy.
    mutating func checkPolicy(_ policy: PolicyDocument) {
        checkDirections(policy)
        checkTarget(policy)
        for direction in TrafficDirection.allCases { checkRuleNames(policy, direction) }
        for rule in policy.allRules {
            for peer in rule.peers ?? [] { checkPeer(peer) }
            for service in rule.services ?? [] { checkService(service) }
            checkFamilies(rule)
            if let log = rule.log { checkLog(log) }
        }
        checkIdentities(policy)
        checkMacvlans(policy)
    }

    /// A policy that speaks of no direction would do nothing.
    private mutating func checkDirections(_ policy: PolicyDocument) {
        guard policy.ingress == nil, policy.egress == nil else { return }
        fail(
            "Policy/\(policy.head.name) has neither 'ingress' nor 'egress', so that it would do nothing",
            at: policy.head.at)
    }
}
