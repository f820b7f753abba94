internal import Model

/// Collects steps and complaints while the kinds of objects are compared one after the other.
struct Builder {
    let context: Context
    var steps: [Step] = []
    var errors: [Diagnostic] = []
    var warnings: [Diagnostic] = []
    /// Links that will be made anew, so that nothing on the observed ones of that name counts as present.
    var fresh: Set<LinkReference> = []
    /// Namespaces that will be made.
    var freshNamespaces: Set<NamespaceRef> = []
    /// Compartments of which nothing could be compared.
    var unread: [ObjectID] = []
    /// Those of them whose adopted namespaces are not there or cannot be read, and why.
    var absent: [ObjectID: String] = [:]

    /// Whether an endpoint is left out because its compartment is not there.
    func isLeftOut(_ endpoint: Endpoint) -> Bool {
        endpoint.compartment.map { absent[ObjectID(.compartment, $0)] != nil } ?? false
    }

    /// Things worth saying once, whoever causes them.
    var notes: Set<String> = []
    /// Names in compartments that one card of ours leaves to another.
    var vacancies: [LinkReference: Vacancy] = [:]
    /// Steps that delete a link of the host, by its name, before anything comes: another gets its name, or its place.
    var cleared: [String: String] = [:]
    /// Steps that delete a link of others in a compartment, by its name, which a card of ours gets.
    var evictions: [LinkReference: String] = [:]
    /// Settings that a step writes along with others (`DraggedSettings`), by what they are behind it.
    var dragged: [NamespaceRef: [String: String]] = [:]
    /// Interfaces of the host that steps put in their place already.
    var claimed: Set<String> = []
    /// Ids of steps by which an interface of the host leaves its bridge, by the name of that.
    var departures: [String: [String]] = [:]
    /// Ids of steps that make a link.
    var makers: [LinkReference: String] = [:]

    init(context: Context) { self.context = context }

    mutating func fail(_ message: String, at source: SourceLocation?, about subject: Diagnostic.Subject? = nil) {
        errors.append(Diagnostic(.error, message, at: source, about: subject))
    }

    mutating func warn(_ message: String, at source: SourceLocation?) {
        warnings.append(Diagnostic(.warning, message, at: source))
    }

    /// The step that makes the link, as a requirement; none where it is there.
    func requirement(_ link: LinkReference) -> [String] { makers[link].map { [$0] } ?? [] }

    /// A step may name another that would have to come first; where that is not in the plan there is nothing to wait for.
    mutating func dropUnknownRequirements() {
        let ids = Set(steps.map(\.id))
        for index in steps.indices { steps[index].requires.removeAll { !ids.contains($0) } }
    }

    /// The observed link, unless it is about to be made anew.
    func present(_ reference: LinkReference) -> ObservedLink? {
        if fresh.contains(reference) { return nil }
        return context.link(reference)
    }

    /// The observed namespace, unless it is about to be made.
    func present(_ reference: NamespaceRef) -> ObservedNamespace? {
        switch reference {
        case .host: context.observed.host
        case .named, .path: freshNamespaces.contains(reference) ? nil : context.namespaces[reference]
        }
    }
}
