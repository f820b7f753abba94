internal import Addressing
internal import Model

extension Context {
    /// What goes with a link of the host and with the other end of a card, and is not made again when the link is: what
    /// others have there (interfaces on it, queueing disciplines, routes by objects that the kernel deletes), and an end of
    /// which nothing is known.
    func losses(with link: ObservedLink) -> [String] {
        let reference = LinkReference(.host, link.name)
        let stand = (uppers[link.index] ?? []).filter { $0.mark == nil }.map { $0.words(on: reference) }
        let inner = peer(of: link).map { end in
            let reference = LinkReference(end.namespace.reference, end.link.name)
            return end.namespace.links.filter { $0.lower == end.link.index }.map { $0.words(on: reference) }
                + losses(on: end.link, reference)
        }
        let isHalf = link.kind == "veth" && link.peerNamespaceID != nil && inner == nil
        return stand + losses(on: link, reference) + (inner ?? []) + link.opened
            + (isHalf ? ["the other end of \(reference), in a namespace that was not found"] : [])
    }

    /// What goes where IPv6 is switched off: the addresses of links that are not ours, and the routes by them. Those of our
    /// own are taken away before.
    func losses(by settings: [SettingsOrder.Setting], in space: ObservedNamespace) -> [String] {
        let off = settings.map(\.path).filter { path in
            path.hasSuffix("/disable_ipv6") && setting(path, in: space) == "0"
        }
        guard !off.isEmpty, space.reference != .host else { return [] }
        return space.links.filter { link in
            let isMeant = off.contains {
                $0 == "net/ipv6/conf/all/disable_ipv6" || $0.hasPrefix("net/ipv6/conf/\(link.name)/")
            }
            guard isMeant, !isOwnCard(link, in: space) else { return false }
            return (addresses[space.reference]?[link.index] ?? []).contains {
                $0.address.address.family == .ipv6 && !$0.address.address.isLinkLocal && !$0.address.address.isLoopback
            }
        }.map { "all IPv6 of \(LinkReference(space.reference, $0.name))" }
    }

    private func losses(on link: ObservedLink, _ reference: LinkReference) -> [String] {
        let disciplines = (qdiscs[reference.namespace]?[link.index] ?? []).filter {
            reference.namespace != .host || spec(of: $0) == nil
        }.map {
            "queueing discipline \($0.kind.terminalSafe) on \(reference)"
        }
        let routes = (routes[reference.namespace]?[link.index] ?? []).filter { $0.details?.usesObject ?? false }.map {
            "route \($0.entry(on: reference)) on \(reference)"
        }
        return disciplines + routes
    }
}

extension ObservedLink {
    /// The link of the same namespace that it stands on, and goes with: of a macvlan, a VLAN and their like (`IFLA_LINK`).
    var lower: UInt32? {
        guard kind != "veth", peerNamespaceID == nil, let peerIndex, peerIndex != 0, peerIndex != index else {
            return nil
        }
        return peerIndex
    }

    /// A hypervisor keeps its end of a tap that goes, and nothing passes there any more.
    fileprivate var opened: [String] {
        tap != nil && isRunning ? ["what the virtual machine that has \(name.terminalSafe) open is connected by"] : []
    }

    fileprivate func words(on reference: LinkReference) -> String {
        "\(kind.terminalSafe) \(name.terminalSafe) on \(reference)"
    }
}

extension RouteDetails {
    /// Whether its next hop is an object of its own (`nhid 9`), which goes with its link.
    fileprivate var usesObject: Bool { words.split(separator: " ").contains("nhid") }
}

extension Plan {
    /// What is lost by it for good.
    static func warnings(of steps: [Step]) -> [Diagnostic] {
        steps.flatMap { step in
            step.losses.map { loss in
                Diagnostic(
                    .warning, "\(step.summary): \(loss) goes with it, and undoing does not bring it back",
                    at: step.source)
            }
        }
    }
}
