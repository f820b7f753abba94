public import Model

/// Where something may be otherwise once a plan was carried out: the places that its operations name.
///
/// The host's own namespace is not among them. It has an end of every card, so it is looked at whatever was done.
public struct Reach: Hashable, Sendable {
    /// Whether an operation acts on all namespaces at once.
    public private(set) var isEverywhere = false
    /// Namespaces in which something is done.
    public private(set) var spaces: Set<NamespaceRef> = []
    /// Files that are written or removed, by path.
    public private(set) var files: Set<String> = []
    /// Links of the host, by name, that are made, changed or deleted: what is done to one end of a card shows at the other,
    /// wherever that is.
    public private(set) var hostLinks: Set<String> = []

    /// Nothing.
    public init() {}

    /// All that the steps of a plan do, and all that undoes them.
    public init(_ plan: Plan) {
        for step in plan.steps {
            for operation in step.operations { add(operation) }
            for operation in step.inverse { add(operation) }
        }
    }

    private mutating func add(_ operation: Operation) {
        switch operation {
        // A module brings settings and devices to every namespace.
        case .loadModule: isEverywhere = true
        case .createNamespace(let name, _, _), .deleteNamespace(let name), .bindNamespace(let name):
            spaces.insert(.named(name))
        case .createLink(let spec):
            add(spec.reference)
            switch spec.kind {
            case .veth(let peer): add(peer.reference)
            case .bridge, .vxlan, .ifb, .vlan, .tap, .macvlan, .macvtap: break
            }
        case .deleteLink(let link), .changeLink(let link, _), .addAddress(let link, _), .removeAddress(let link, _),
            .addQdisc(let link, _), .removeQdisc(let link, _), .forgetNeighbours(let link, _),
            .noteNeighbours(let link, _),
            .expectNeighbours(let link, _):
            add(link)
        case .addRoute(let route), .removeRoute(let route): add(route.link)
        case .replaceRoute(let route, let old):
            add(route.link)
            add(old.link)
        case .addRule(let rule), .removeRule(let rule): add(rule.namespace)
        case .addNeighbour(let entry), .removeNeighbour(let entry): add(entry.link)
        case .moveUplink(let move): for link in [move.uplink, move.from, move.to] { add(link) }
        case .writeSetting(let namespace, _, _): add(namespace)
        case .writeFile(let path, _), .removeFile(let path): files.insert(path)
        // Of the host, which is looked at anyhow.
        case .rememberOriginal, .forgetOriginal, .cutConnections, .clearWay, .configureRouting, .firewall: break
        }
    }

    private mutating func add(_ link: LinkReference) {
        add(link.namespace)
        if link.namespace == .host { hostLinks.insert(link.name) }
    }

    private mutating func add(_ namespace: NamespaceRef) {
        switch namespace {
        case .host: break
        case .named, .path: spaces.insert(namespace)
        }
    }
}
