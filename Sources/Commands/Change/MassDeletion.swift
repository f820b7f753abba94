internal import Firewall
internal import Model
internal import Planner

/// The guard against deleting nearly everything by mistake.
enum MassDeletion {
    static func check(_ comparison: Comparison, _ desired: DesiredState) throws {
        let scope = comparison.plan.scope
        let links = comparison.observed.host.links.compactMap(\.mark)
        let spaces = comparison.observed.namespaces.compactMap { space -> OwnershipMark? in
            guard case .named(let name) = space.reference, let id = space.namespaceID else { return nil }
            return OwnershipMark.owner(ofNamespace: name, id: id, scope: scope)
        }
        // A policy is nothing but rules.
        let policies = Set(
            PolicyReport.all(comparison.firewall).compactMap { ObjectName($0.name).map { ObjectID(.policy, $0) } })
        let owned = Set((links + spaces).filter { $0.scope == scope }.map(\.owner)).union(policies)
        let dropped = comparison.options.prunes ? policies.subtracting(desired.policies.map(\.id)) : []
        let deleted = Set(
            comparison.plan.steps.filter { $0.action == .delete && $0.isIrreversible }.compactMap(\.owner)
        ).intersection(owned).union(dropped)
        guard deleted.count > 5, deleted.count * 2 > owned.count else { return }
        throw Complaint(
            "this would delete \(deleted.count) of the \(owned.count) objects of scope \(scope); if that is meant, add "
                + "--allow-mass-delete")
    }
}
