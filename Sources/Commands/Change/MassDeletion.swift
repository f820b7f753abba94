internal import Model
internal import Planner

/// The guard against deleting nearly everything by mistake.
enum MassDeletion {
    static func check(_ comparison: Comparison) throws {
        let scope = comparison.plan.scope
        let links = comparison.observed.host.links.compactMap(\.mark)
        let spaces = comparison.observed.namespaces.compactMap { space -> OwnershipMark? in
            guard case .named(let name) = space.reference, let id = space.namespaceID else { return nil }
            return OwnershipMark.owner(ofNamespace: name, id: id, scope: scope)
        }
        let owned = Set((links + spaces).filter { $0.scope == scope }.map(\.owner))
        let deleted = Set(
            comparison.plan.steps.filter { $0.action == .delete && $0.isIrreversible }.compactMap(\.owner)
        ).intersection(owned)
        guard deleted.count > 5, deleted.count * 2 > owned.count else { return }
        throw Complaint(
            "this would delete \(deleted.count) of the \(owned.count) objects of scope \(scope); if that is meant, add "
                + "--allow-mass-delete")
    }
}
