internal import Model

extension Validator {
    /// `appliesTo`: at least one key, networks that exist, and something that fulfils it.
    mutating func checkTarget(_ policy: PolicyDocument) {
        let target = policy.target
        guard target.endpoints != nil || target.networks != nil else {
            fail("appliesTo: give 'endpoints', 'networks' or both; 'endpoints: {}' is all endpoints", at: target.at)
            return
        }
        if let selector = target.endpoints { checkSelector(selector) }
        var seen: Set<String> = []
        var isWhole = true
        for network in target.networks ?? [] {
            if networks[network.value] == nil {
                missing(.network, network, among: Array(networks.keys))
                isWhole = false
            } else if !seen.insert(network.value).inserted {
                fail("appliesTo: Network/\(network.value) is given twice", at: network.at)
            }
        }
        guard isWhole, !documents.endpoints.contains(where: policy.selects) else { return }
        warn("Policy/\(policy.head.name): appliesTo selects no endpoint", at: target.endpoints?.at ?? target.at)
    }

    /// Conditions that Kubernetes would not take, or that nothing could ever fulfil.
    mutating func checkSelector(_ selector: SelectorDocument) {
        for expression in selector.expressions {
            let needsValues = ["In", "NotIn"].contains(expression.comparison)
            if needsValues, expression.values.isEmpty {
                fail("matchExpressions: operator \(expression.comparison) needs 'values'", at: selector.at)
            } else if !needsValues, !expression.values.isEmpty {
                fail("matchExpressions: operator \(expression.comparison) takes no 'values'", at: selector.at)
            }
        }
        for label in selector.labels {
            checkCondition(label.key, [label.value], at: selector.at)
        }
        for expression in selector.expressions { checkCondition(expression.key, expression.values, at: selector.at) }
    }

    private mutating func checkCondition(_ key: String, _ values: [String], at place: SourceLocation) {
        if !DocumentReader.isLabelKey(key) {
            fail("selector: '\(key)' is no label key that Kubernetes takes, so that no label can have it", at: place)
        }
        for value in values where !(value.isEmpty || DocumentReader.isLabelPart(value)) {
            fail(
                "selector: '\(value)' is no label value that Kubernetes takes, so that no label can have it", at: place)
        }
    }
}
