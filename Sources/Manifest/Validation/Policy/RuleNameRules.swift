internal import Model

extension Validator {
    /// Names of rules, default ones included, are unique in a direction: logs and counters go by them.
    mutating func checkRuleNames(_ policy: PolicyDocument, _ direction: TrafficDirection) {
        var seen: [ObjectName: SourceLocation] = [:]
        for rule in policy[direction]?.rules ?? [] {
            let place = rule.givenName?.at ?? rule.at
            if let first = seen[rule.name] {
                let how = rule.givenName == nil ? "the default name of this rule" : "the name"
                fail(
                    "\(direction.rawValue): \(how), '\(rule.name)', is also that of the rule at \(first); name one of them otherwise",
                    at: place)
            } else {
                seen[rule.name] = place
            }
        }
    }
}
