internal import Addressing
internal import Firewall
internal import Model

extension Builder {
    /// What of the host stands against the manifests; found before anything is written.
    mutating func checkConflicts(_ live: Ruleset) {
        checkPrefixes()
        checkTables(live)
        checkPortsElsewhere()
        checkOverlays()
        checkListeners(live)
        checkSource()
        warnOfMovedAddresses()
    }

    /// Prefixes must overlap neither those of other scopes nor the host's own addresses and routes.
    private mutating func checkPrefixes() {
        let bridges = Set(context.desired.networks.filter { !$0.isShared }.map(\.bridge.text))
        // A bridge that stands for an interface of the host has the host's addresses, and no others.
        let own = Set(
            context.observed.host.links.filter { link in
                bridges.contains(link.name)
                    || (context.isOurs(link) && context.observed.host.uplinkPort(of: link) == nil)
            }.map(\.index))
        let taken = takenPrefixes(without: own)
        // An overlay's addresses are nowhere on the host.
        for network in context.desired.networks where network.overlay == nil {
            // A network may lie in the prefixes of the interface that joins it to the physical one.
            let link = context.attached[network.metadata.name]
            let holder = link?.master.flatMap { context.link($0, in: .host) }
            // What another uplink gets back does not stay on the bridge. Where the wanted one is not found, that is all
            // there is to say.
            let bridge = context.hostLinks[network.bridge.text].flatMap { bridge in
                let port = context.observed.host.uplinkPort(of: bridge)
                return port == nil || link == nil || port?.index == link?.index ? bridge : nil
            }
            let links = [link, holder, bridge]
            let beyond =
                network.attachment != nil ? takenPrefixes(without: own.union(links.compactMap { $0?.index })) : taken
            for subnet in network.subnets {
                // A wider one that leads nowhere takes nothing away: the routes to our bridges are longer.
                guard let other = beyond.taken.overlapping(subnet.prefix) ?? beyond.dead.inside(subnet.prefix)
                else { continue }
                fail(
                    "prefix \(subnet.prefix) of \(network.id) overlaps \(other); choose another prefix",
                    at: subnet.source)
            }
        }
    }

    /// Prefixes of the host, and those that end on it or nowhere.
    private func takenPrefixes(without own: Set<UInt32>) -> (taken: TakenPrefixes, dead: TakenPrefixes) {
        var (taken, dead) = (TakenPrefixes(), TakenPrefixes())
        for (prefix, what) in context.prefixesElsewhere() { taken.append(prefix, what) }
        for address in context.observed.host.addresses where !own.contains(address.link) {
            guard !address.address.address.isLinkLocal, !address.address.address.isLoopback else { continue }
            let link = context.hostLinkNames[address.link] ?? "?"
            taken.append(address.address.prefix, "the host's address \(address.address) on \(link.terminalSafe)")
        }
        for route in context.observed.host.routes {
            let links = route.link.map { [$0] } ?? route.nextHopLinks
            guard !route.destination.isDefault, !links.contains(where: own.contains),
                !route.destination.address.isLinkLocal, !route.destination.address.isMulticast,
                !route.destination.address.isLoopback
            else { continue }
            let link = links.first.flatMap { context.hostLinkNames[$0] } ?? "?"
            switch route.type {
            case 1 where route.table != 255:
                taken.append(route.destination, "the host's route to \(route.destination) via \(link.terminalSafe)")
            // RTN_LOCAL and RTN_BLACKHOLE … RTN_THROW: packets end on this host, or nowhere.
            case 2, 6...9:
                dead.append(route.destination, "the host's route `\(route.entry(on: LinkReference(.host, link)))`")
            case _: break
            }
        }
        taken.finish()
        dead.finish()
        return (taken, dead)
    }

    /// A published port must not take over one on which something listens; one that is published already did when it
    /// came, or what listens came later.
    private mutating func checkListeners(_ live: Ruleset) {
        let listeners = Dictionary(grouping: context.observed.listeners.indices) {
            context.observed.listeners[$0].port
        }
        let session = context.session
        for endpoint in context.desired.endpoints where !listeners.isEmpty || session != nil {
            for mapping in endpoint.portMappings {
                let before = errors.count
                let range = mapping.hostPorts.first...mapping.hostPorts.last
                let ports = range.count < listeners.count ? Array(range) : listeners.keys.filter(range.contains)
                let places = ports.flatMap { listeners[$0] ?? [] }.sorted()
                for listener in places.map({ context.observed.listeners[$0] }) where shadows(mapping, listener) {
                    let text =
                        "host port \(listener.port)/\(mapping.transport.rawValue) of \(endpoint.id) shadows "
                        + "\(listener.process ?? "a socket") listening on \(listener.address)"
                    if isSession(mapping, listener) {
                        fail(
                            "\(text), which is the port of your SSH session; choose another hostPort",
                            at: mapping.source, about: .publishedPort)
                    } else if mapping.allowShadow || live.publishes(mapping, listener.port, by: endpoint.id) {
                        warn(text, at: mapping.source)
                    } else {
                        fail(
                            "\(text); choose another hostPort, or set `allowShadow: true`", at: mapping.source,
                            about: .shadowedListener)
                    }
                }
                // Its server may be where nobody sees it listen.
                guard let session, shadows(mapping, session), before == errors.count else { continue }
                fail(
                    "host port \(session.port)/\(mapping.transport.rawValue) of \(endpoint.id) is the port of your SSH "
                        + "session; choose another hostPort", at: mapping.source, about: .publishedPort)
            }
        }
    }

    /// Whether the listener is the one that the SSH session came in by: the session knows its own address, the socket
    /// may listen on all.
    private func isSession(_ mapping: PortMapping, _ listener: Listener) -> Bool {
        guard let session = context.options.session, shadows(mapping, session), session.port == listener.port else {
            return false
        }
        return listener.address.isUnspecified || listener.address == session.address
    }

    private func shadows(_ mapping: PortMapping, _ listener: Listener) -> Bool {
        guard mapping.transport == listener.transport, mapping.hostPorts.first <= listener.port,
            listener.port <= mapping.hostPorts.last
        else { return false }
        let address = listener.address.unmapped
        if address.isUnspecified {
            // A socket on :: listens for IPv4, too, unless it says otherwise.
            let isAll = address.family == .ipv6 && listener.isIPv6Only != true
            return isAll || mapping.families.contains(address.family)
        }
        guard mapping.families.contains(address.family) else { return false }
        // There is no way from ::1, so nothing is published there.
        if address.family == .ipv6 && address.isLoopback { return false }
        return mapping.hostAddress.map { $0 == address } ?? true
    }

    /// Outbound addresses must be the host's.
    private mutating func checkSource() {
        let own = Set(context.observed.host.addresses.map(\.address.address))
        for network in context.desired.networks {
            for address in network.outboundNAT?.addresses ?? [] where !own.contains(address) {
                warn(
                    "\(network.id): outbound address \(address) is not on this host, so answers will not come back",
                    at: network.metadata.source)
            }
        }
        for endpoint in context.desired.endpoints {
            let isDual = endpoint.portMappings.contains { $0.families.contains(.ipv6) && $0.hostAddress == nil }
            if isDual {
                notes.insert(
                    "ports published on all addresses are not reachable by ::1, for which the kernel has no path "
                        + "(127.0.0.1 works)")
            }
        }
    }
}

extension Context {
    /// Where the SSH session comes in, if that is on the host that is planned for.
    fileprivate var session: Listener? {
        options.session.flatMap { session in
            observed.host.addresses.contains { $0.address.address == session.address } ? session : nil
        }
    }
}
