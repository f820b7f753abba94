internal import Addressing
public import Model

/// The thing that an operation makes, removes or changes.
enum Subject: Hashable {
    case module(String)
    case namespace(String)
    case link(LinkReference)
    case address(LinkReference, InterfaceAddress)
    case route(LinkReference, IPPrefix, metric: UInt32, table: UInt32, selector: String)
    case neighbour(LinkReference, IPAddress?, MACAddress?, IPAddress?)
    case learnt(LinkReference)
    case rule(RuleEntry)
    case qdisc(LinkReference, UInt32)
    case setting(NamespaceRef, String)
    case original(String)
    case file(String)
    case firewall
    case routing(RoutingChange.Place)
    case connections
    case neighbours

    /// The link that it is, or lies on, or speaks of.
    var link: LinkReference? {
        switch self {
        case .link(let link), .address(let link, _), .route(let link, _, _, _, _), .neighbour(let link, _, _, _),
            .qdisc(let link, _), .learnt(let link):
            link
        case .setting(let namespace, let path): Self.link(namespace, path)
        case .module, .namespace, .rule, .original, .file, .firewall, .routing, .connections, .neighbours: nil
        }
    }

    /// The namespace that it is, or lies in.
    var namespace: NamespaceRef? {
        switch self {
        case .namespace(let name): .named(name)
        case .setting(let namespace, _): namespace
        case .rule(let rule): rule.namespace
        case .link, .address, .route, .neighbour, .qdisc, .learnt: link?.namespace
        case .module, .original, .file, .firewall, .routing, .connections, .neighbours: nil
        }
    }

    /// Whether writing this setting writes the other one, too.
    func drags(_ other: Subject) -> Bool {
        guard case .setting(let namespace, let path) = self, case .setting(namespace, let dragged) = other else {
            return false
        }
        return DraggedSettings.drag(of: path)?.takes(dragged) ?? false
    }

    /// `net/ipv4/conf/LINK/KEY` and its like.
    private static func link(_ namespace: NamespaceRef, _ path: String) -> LinkReference? {
        // By bytes: a plan that takes all away has ten thousands of them.
        let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { Substring($0) }
        guard parts.count == 5, parts[2] == "conf" || parts[2] == "neigh", parts[3] != "all", parts[3] != "default"
        else { return nil }
        return LinkReference(namespace, String(parts[3]))
    }
}

/// What an operation does to its subject.
struct Effect: Hashable {
    var kind: Operation.Direction
    var subject: Subject
}

extension Operation {
    /// Whether something comes to be, goes, or stays and is another.
    public enum Direction: Hashable, Sendable {
        /// It is not there before.
        case makes
        /// It is not there afterwards.
        case removes
        /// All else.
        case changes
    }

    /// Which way it goes.
    public var direction: Direction { effect.kind }

    /// The link that it makes, removes or changes, or on which it does something.
    public var link: LinkReference? { effect.subject.link }

    /// The namespace that it makes or removes, or in which it does something; nil for what lies in none.
    public var namespace: NamespaceRef? { effect.subject.namespace }

    /// What it does, to what.
    var effect: Effect {
        switch self {
        case .loadModule(let name): Effect(kind: .makes, subject: .module(name))
        case .createNamespace(let name, _, _), .bindNamespace(let name):
            Effect(kind: .makes, subject: .namespace(name))
        case .deleteNamespace(let name): Effect(kind: .removes, subject: .namespace(name))
        case .createLink(let spec): Effect(kind: .makes, subject: .link(spec.reference))
        case .deleteLink(let link): Effect(kind: .removes, subject: .link(link))
        case .changeLink(let link, _): Effect(kind: .changes, subject: .link(link))
        case .addAddress(let link, let address): Effect(kind: .makes, subject: .address(link, address))
        case .removeAddress(let link, let address): Effect(kind: .removes, subject: .address(link, address))
        case .addRoute(let route): Effect(kind: .makes, subject: route.subject)
        case .replaceRoute(let route, _): Effect(kind: .changes, subject: route.subject)
        case .removeRoute(let route): Effect(kind: .removes, subject: route.subject)
        case .addRule(let rule): Effect(kind: .makes, subject: .rule(rule))
        case .removeRule(let rule): Effect(kind: .removes, subject: .rule(rule))
        case .addQdisc(let link, let spec): Effect(kind: .makes, subject: .qdisc(link, spec.parent))
        case .removeQdisc(let link, let parent): Effect(kind: .removes, subject: .qdisc(link, parent))
        case .addNeighbour(let entry): Effect(kind: .makes, subject: entry.subject)
        case .removeNeighbour(let entry): Effect(kind: .removes, subject: entry.subject)
        case .forgetNeighbours(let link, _): Effect(kind: .changes, subject: .learnt(link))
        case .writeSetting(let namespace, let path, _): Effect(kind: .changes, subject: .setting(namespace, path))
        case .rememberOriginal(let setting), .forgetOriginal(let setting):
            Effect(kind: .changes, subject: .original(setting.path))
        case .writeFile(let path, _), .removeFile(let path): Effect(kind: .changes, subject: .file(path))
        case .moveUplink(let move): Effect(kind: .changes, subject: .link(move.uplink))
        case .noteNeighbours, .expectNeighbours: Effect(kind: .changes, subject: .neighbours)
        case .configureRouting(let change): Effect(kind: .changes, subject: .routing(change.place))
        case .firewall: Effect(kind: .changes, subject: .firewall)
        case .cutConnections, .clearWay: Effect(kind: .changes, subject: .connections)
        }
    }
}

extension RouteEntry {
    fileprivate var subject: Subject {
        .route(link, destination, metric: metric, table: table, selector: details?.selector ?? "")
    }
}

extension NeighbourEntry {
    fileprivate var subject: Subject { .neighbour(link, address, mac, tunnelEnd) }
}
