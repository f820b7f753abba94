internal import Addressing
internal import Model

/// What the kernel keeps of IPv6 on an interface: settings, addresses, routes and neighbours.
///
/// All of it goes when the MTU falls below 1280 (`addrconf_notify`, `IPV6_MIN_MTU`), and what comes with a larger one is
/// as on a new interface.
public enum IPv6Half {
    /// Whether an interface of that MTU has one.
    public static func exists(mtu: Int) -> Bool { mtu >= 1280 }
}

extension LinkSpec {
    /// Whether there is IPv6 on it, where the kernel has any.
    public var hasIPv6: Bool { IPv6Half.exists(mtu: mtu) }
}

extension ObservedLink {
    /// Whether its IPv6 half comes anew where it gets this MTU.
    func regainsIPv6(mtu wanted: Int) -> Bool { !IPv6Half.exists(mtu: mtu) && IPv6Half.exists(mtu: wanted) }
    /// Whether its IPv6 half goes where it gets this MTU.
    func losesIPv6(mtu wanted: Int) -> Bool { IPv6Half.exists(mtu: mtu) && !IPv6Half.exists(mtu: wanted) }
}

extension Builder {
    /// The step that lowers the MTU of a link below 1280 comes after those that take IPv6 off it: what is gone with the
    /// MTU cannot be removed, and is put back only behind it.
    mutating func loseIPv6Last(_ id: String, on reference: LinkReference, after first: Int) {
        guard let index = steps.firstIndex(where: { $0.id == id }) else { return }
        let goes = steps[first...].filter { step in
            step.action == .delete && step.operations.contains { $0.isIPv6(on: reference) }
        }
        steps[index].requires += goes.map(\.id)
    }
}

extension LinkChange {
    /// Whether all that a link has of IPv6 goes with it, where it has any.
    public var endsIPv6: Bool { if case .mtu(let mtu) = self { !IPv6Half.exists(mtu: mtu) } else { false } }
}

extension Operation {
    /// Whether it puts something of IPv6 on a link, or takes it off.
    fileprivate func isIPv6(on reference: LinkReference) -> Bool {
        switch self {
        case .addAddress(let link, let address), .removeAddress(let link, let address):
            link == reference && address.address.family == .ipv6
        case .addRoute(let route), .removeRoute(let route), .replaceRoute(let route, _):
            route.link == reference && route.destination.family == .ipv6
        case .addNeighbour(let entry), .removeNeighbour(let entry):
            entry.link == reference && entry.address?.family == .ipv6
        case .createLink, .deleteLink, .changeLink, .addRule, .removeRule, .addQdisc, .removeQdisc, .forgetNeighbours,
            .moveUplink,
            .loadModule, .createNamespace, .deleteNamespace, .bindNamespace, .writeSetting, .rememberOriginal,
            .forgetOriginal, .writeFile, .removeFile, .cutConnections, .clearWay, .noteNeighbours, .expectNeighbours,
            .configureRouting, .firewall:
            false
        }
    }
}
