public import Model

/// What is legal in policies and does not do what somebody may have meant. Pure, and bounded in time: past a number
/// of comparisons it says that it did not look at everything.
public enum PolicyWarnings {
    /// How much is compared: 1 for a glance at a pair of rules or policies, 20 for a thorough look.
    public static let comparisonLimit = 20_000_000

    /// All warnings about the policies of a host, by place.
    public static func of(_ desired: DesiredState, limit: Int = comparisonLimit) -> [Diagnostic] {
        guard !desired.policies.isEmpty else { return [] }
        let reachability = Reachability(desired)
        var budget = Budget(left: limit)
        let joint = JointCoverage(desired, reachability)
        var result = covered(desired, joint, &budget) + disagreements(desired, reachability, &budget)
        result += unanswerable(desired, reachability) + toothless(desired) + closed(desired, reachability)
        result += mismatched(desired, reachability, joint, &budget) + impersonators(desired)
        if budget.isSpent {
            result.append(
                Diagnostic(
                    .warning,
                    "the policies have too many rules to compare each with all others; further rules that never match, or that disagree, are not told",
                    at: desired.policies[0].metadata.source))
        }
        return result
    }

    static func warning(_ message: String, at place: SourceLocation) -> Diagnostic {
        Diagnostic(.warning, message, at: place)
    }

    /// How many comparisons are left.
    struct Budget {
        var left: Int
        var isSpent: Bool { left <= 0 }
        mutating func take(_ cost: Int = 1) -> Bool {
            left -= cost
            return left >= 0
        }
    }
}
