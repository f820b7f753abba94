internal import JSON
internal import Model

/// Policies with `prevent-destroy`. A policy is nothing but rules, so that it is noted beside them: in a set that no rule
/// looks at, one element a policy, named in its comment. It outlives the deletion of the document.
enum Protection {
    static let set = "protected"

    /// The set; none where no policy is protected.
    static func sets(_ desired: DesiredState) -> [NamedSet] {
        let policies = desired.policies.filter(\.metadata.preventDestroy)
        guard !policies.isEmpty else { return [] }
        let elements = policies.map { policy in
            let hash = StableHash.hash(policy.id.description)
            return Element(key: .string("p-\(StableHash.base32(hash, count: 12))"), comment: policy.id.description)
        }
        return [NamedSet(name: set, keyTypes: ["ifname"], elements: elements)]
    }
}

extension Ruleset {
    /// Policies that must not be deleted, `Policy/web`; in the kernel's rules, whether or not their documents are still
    /// there.
    public var protectedPolicies: Set<String> {
        Set((table(.inet)?.sets.first { $0.name == Protection.set }?.elements ?? []).compactMap(\.comment))
    }
}
