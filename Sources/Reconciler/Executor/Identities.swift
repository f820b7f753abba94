internal import Model
internal import NetlinkClient
internal import NetlinkCodec
internal import Planner
internal import SystemCalls

/// Something else took a name of ours while the change was under way or pending.
struct TakenError: Error, Hashable, CustomStringConvertible {
    /// `link bh-web`.
    let object: String

    /// What it means for whoever reads it.
    var description: String {
        "\(object) is not the one that it was: something else took the name meanwhile, and was left alone"
    }
}

/// Which objects stand behind the names of a plan while it is carried out or undone.
///
/// A name proves nothing: others may have taken it since the plan was made. An object is the one that is meant if it is
/// the very same as then, or if it bears our mark.
struct Identities {
    private let session: HostSession
    private let scope: ObjectName
    private let links: [LinkReference: UInt32]
    private let spaces: [NamespaceRef: StartingPoint.Namespace]
    /// Outer ends of cards by their inner ends.
    private let cards: [LinkReference: LinkReference]

    init(_ session: HostSession, scope: ObjectName, start: StartingPoint) {
        self.session = session
        self.scope = scope
        links = Dictionary(start.links.map { ($0.reference, $0.index) }, uniquingKeysWith: { first, _ in first })
        cards = Dictionary(start.cards.map { ($0.inner, $0.outer) }, uniquingKeysWith: { first, _ in first })
        spaces = Dictionary(start.namespaces.map { ($0.reference, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The index that a link had when the change began; nil where it was not there.
    func original(_ link: LinkReference) -> UInt32? { links[link] }

    /// Index of the link that has the name now; nil where none has. Inside a namespace that is ours are nobody else's
    /// links; in one that is not, ours are those whose other end is. `made` is the index that this run gave a new link of that name.
    func index(_ link: LinkReference, made: UInt32? = nil) throws -> UInt32? {
        let found: LinkMessage
        do {
            guard let message = try session.connection(in: link.namespace).link(link.name) else { return nil }
            found = message
        } catch {
            if Remedy.isGone(error) { return nil }
            throw error
        }
        if [links[link], made].contains(found.index) { return found.index }
        let isOurs =
            link.namespace == .host
            ? found.alias.flatMap { OwnershipMark($0) }?.scope == scope
            : try isOwned(link.namespace) || isEnd(found, ofCard: link)
        guard isOurs else { throw TakenError(object: "link \(link)") }
        return found.index
    }

    /// The outer end bears the mark.
    private func isEnd(_ found: LinkMessage, ofCard link: LinkReference) throws -> Bool {
        guard let outer = cards[link], let index = try index(outer) else { return false }
        return found.link == index
    }

    /// The namespace that has the name now; nil where none has.
    func namespace(_ reference: NamespaceRef) throws -> OpenNamespace? {
        guard let space = try session.open(reference) else { return nil }
        guard isOriginal(space, reference) || isOurs(space, reference) else {
            throw TakenError(object: "namespace \(reference)")
        }
        return space
    }

    /// Whether it is the very namespace that had the name when the change began.
    func isOriginal(_ space: OpenNamespace, _ reference: NamespaceRef) -> Bool {
        guard let original = spaces[reference], original.inode == space.inode else { return false }
        return original.id == nil || original.id == space.id
    }

    private func isOwned(_ reference: NamespaceRef) throws -> Bool {
        try session.open(reference).map { isOurs($0, reference) } ?? false
    }

    /// The id that the host gave it is the mark.
    private func isOurs(_ space: OpenNamespace, _ reference: NamespaceRef) -> Bool {
        guard case .named(let name) = reference, let id = space.id else { return false }
        return OwnershipMark.owner(ofNamespace: name, id: id, scope: scope) != nil
    }
}
