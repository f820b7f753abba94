import Addressing
import Firewall
import Model
import Planner

/// A host on which a plan from nothing was carried out, without looking for anything twice.
struct FastHost {
    var state = ObservedState.empty
    let firewall: Ruleset
    private var spaces: [NamespaceRef: ObservedNamespace] = [:]
    private var places: [LinkReference: Int] = [:]

    init(_ plan: Plan, _ desired: DesiredState) throws {
        firewall = Compiler.compile(desired, HostFacts())
        spaces[.host] = ObservedNamespace(reference: .host)
        for step in plan.steps { for operation in step.operations { try run(operation) } }
        state.host = spaces.removeValue(forKey: .host) ?? state.host
        state.namespaces = spaces.values.sorted { $0.reference < $1.reference }
    }

    private mutating func run(_ operation: Operation) throws {
        switch operation {
        case .createNamespace(let name, _, let id):
            let reference = NamespaceRef.named(name)
            spaces[reference] = ObservedNamespace(reference: reference, namespaceID: id)
            add(ObservedLink(index: 1, name: "lo", isUp: false, isLoopback: true), to: reference)
            state.usedNamespaceIDs.append(id)
        case .createLink(let spec): try create(spec)
        case .changeLink(let link, let changes): try raise(link, changes)
        case .addAddress(let link, let address):
            let place = index(link)
            spaces[link.namespace]?.addresses.append(ObservedAddress(link: place, address: address))
            // The kernel's own, RTPROT_KERNEL.
            spaces[link.namespace]?.routes.append(
                ObservedRoute(
                    destination: address.prefix, link: place, origin: 2, preferredSource: address.address))
        case .addRoute(let route):
            let place = index(route.link)
            spaces[route.link.namespace]?.routes.append(
                ObservedRoute(
                    destination: route.destination, gateway: route.gateway, link: place,
                    metric: route.metric, table: route.table, origin: route.origin))
        case .writeSetting(let namespace, let path, let value): spaces[namespace]?.settings[path] = value
        case .writeFile(let path, let content): state.files.append(ObservedFile(path: path, content: content))
        // Nobody has cached a neighbour yet.
        case .firewall, .clearWay: break
        case _: throw Trouble("a plan from nothing has no \("\(operation)".prefix(80))")
        }
    }

    private func index(_ link: LinkReference) -> UInt32 { UInt32(places[link] ?? 0) + 1 }

    private mutating func add(_ link: ObservedLink, to space: NamespaceRef) {
        places[LinkReference(space, link.name)] = spaces[space]?.links.count
        spaces[space]?.links.append(link)
    }

    private mutating func create(_ spec: LinkSpec) throws {
        let space = spec.reference.namespace
        var link = ObservedLink(
            index: UInt32(spaces[space]?.links.count ?? 0) + 1, name: spec.reference.name, isUp: spec.isUp,
            mtu: spec.mtu, mac: spec.mac, alias: spec.alias,
            alternativeNames: spec.alternativeName.map { [$0] } ?? [], addressGeneration: spec.addressGeneration)
        if let master = spec.master {
            link.master = index(LinkReference(space, master))
            link.port = spec.port
        }
        switch spec.kind {
        case .vxlan: throw Trouble("\(spec.reference): these manifests have no overlay")
        case .bridge(let options): (link.kind, link.bridge) = ("bridge", options)
        case .veth(let peer):
            link.kind = "veth"
            link.peerIndex = 2
            link.peerNamespaceID = spaces[peer.reference.namespace]?.namespaceID
            let far = ObservedLink(
                index: 2, name: peer.reference.name, kind: "veth", isUp: false, mtu: peer.mtu, mac: peer.mac,
                peerIndex: link.index, peerNamespaceID: 0)
            add(far, to: peer.reference.namespace)
            // What a card starts with is what its namespace says.
            for key in ["accept_redirects", "accept_source_route", "forwarding"] {
                spaces[peer.reference.namespace]?.settings["net/ipv4/conf/\(far.name)/\(key)"] = "0"
                spaces[peer.reference.namespace]?.settings["net/ipv6/conf/\(far.name)/\(key)"] = "0"
            }
            spaces[peer.reference.namespace]?.settings["net/ipv6/conf/\(far.name)/accept_ra"] = "0"
            spaces[peer.reference.namespace]?.settings["net/ipv6/conf/\(far.name)/disable_ipv6"] = "0"
        }
        add(link, to: space)
    }

    private mutating func raise(_ link: LinkReference, _ changes: [LinkChange]) throws {
        guard changes == [.up(true)], let place = places[link] else { throw Trouble("\(link): \(changes)") }
        spaces[link.namespace]?.links[place].isUp = true
        guard link.name == "lo" else { return }
        for (text, length) in [("127.0.0.1", 8), ("::1", 128)] {
            guard let address = IPAddress(text).flatMap({ InterfaceAddress(address: $0, length: length) }) else {
                continue
            }
            spaces[link.namespace]?.addresses.append(ObservedAddress(link: 1, address: address))
        }
    }
}
