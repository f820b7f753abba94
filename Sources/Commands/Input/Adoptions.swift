internal import Model
internal import Reconciler
internal import SystemCalls

/// What only the manifests that were applied last say, and nothing in the kernel: which compartment a namespace of others
/// is that is adopted by path, and what the card of a virtual machine is given.
struct Adoptions {
    /// Names of compartments by path.
    var names: [String: String] = [:]
    /// Endpoints of virtual machines by name.
    var taps: [String: Endpoint] = [:]
    /// Whether the scope was brought to them, and not taken away since.
    var areInForce = false

    /// What the history says; nothing where it has nothing that is valid for this version.
    static func read(_ global: GlobalOptions) throws -> Adoptions {
        let last = try InForce.manifests(global)
        // What a destroy of a part has left over is in the record before it.
        let sources = last.isEmpty ? try InForce.manifests(global, pastDestroys: true) : last
        guard !sources.isEmpty,
            let desired = try? Preparation.attempt(sources, named: ["the history"], global).state
        else { return Adoptions() }
        var adoptions = Adoptions(areInForce: !last.isEmpty)
        for compartment in desired.compartments {
            guard case .adopted(let path) = compartment.namespace else { continue }
            adoptions.names[path] = compartment.metadata.name.text
        }
        for endpoint in desired.endpoints where endpoint.isOfHypervisor {
            adoptions.taps[endpoint.metadata.name.text] = endpoint
        }
        return adoptions
    }

    /// Paths that lead to a namespace now.
    var paths: [String] {
        names.keys.filter { path in ((try? Namespaces.open(path)) ?? nil) != nil }.sorted()
    }

    /// Further ones in the netns folder, where cards of the scope end of which no namespace that was read knows.
    static func strays(_ state: ObservedState, scope: ObjectName, in session: HostSession) throws -> [String] {
        let ids = unknown(state, scope: scope)
        return ids.isEmpty ? [] : try session.paths(ofNamespaces: ids)
    }

    /// Ids of namespaces that were not read, and in which cards of the scope end.
    static func unknown(_ state: ObservedState, scope: ObjectName) -> Set<Int32> {
        let known = Set(state.namespaces.compactMap(\.namespaceID))
        return Set(
            state.host.links.lazy.filter { $0.mark?.scope == scope && $0.mark?.owner.kind == .endpoint }
                .compactMap(\.peerNamespaceID).filter { !known.contains($0) })
    }
}
