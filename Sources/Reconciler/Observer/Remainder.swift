internal import Model
internal import Planner

/// What of an observation still holds behind a plan that was carried out since: namespaces that no operation reached and
/// of which the kernel said nothing (`Vigil`), and their files. All else is to be read again.
///
/// What somebody writes meanwhile to a setting or a file of a namespace of which none of this is true stays unseen. That
/// is for the next apply, as it would be an instant later.
struct Remainder {
    private var namespaces: [NamespaceRef: ObservedNamespace] = [:]
    private var files: [String: ObservedFile] = [:]
    private var touched: Set<String> = []

    /// Nothing holds.
    init() {}

    /// What holds of `last`; nothing where anything may have changed anywhere.
    init(of last: ObservedState, _ reach: Reach, _ vigil: Vigil) {
        let keepers = Dictionary(
            last.namespaces.compactMap { space in
                space.namespaceID.map { ($0, Set(space.neighbours.map(\.link))) }
            }, uniquingKeysWith: { $0.union($1) })
        guard !reach.isEverywhere, var changed = vigil.changed(keepers: keepers) else { return }
        // The other ends of cards.
        changed.formUnion(
            last.host.links.lazy.filter { reach.hostLinks.contains($0.name) }.compactMap(\.peerNamespaceID))
        for space in last.namespaces where !reach.spaces.contains(space.reference) && !space.isUnsteady {
            // The kernel tells of no other than those that the host gave an id.
            guard let id = space.namespaceID, !changed.contains(id) else { continue }
            namespaces[space.reference] = space
        }
        files = Dictionary(last.files.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        touched = reach.files
    }

    /// The namespace as it was observed; nil where it is to be read.
    func namespace(_ reference: NamespaceRef, inode: UInt64) -> ObservedNamespace? {
        namespaces[reference].flatMap { $0.inode == inode ? $0 : nil }
    }

    /// Whether a file of a namespace, or its mark, is as it was read.
    func holds(_ path: String, ofNamespace name: String) -> Bool {
        namespaces[.named(name)] != nil && !touched.contains(path)
    }

    /// What was read at a path; nil where nothing was there.
    func file(_ path: String) -> ObservedFile? { files[path] }
}
