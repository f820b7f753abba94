import Addressing
import Firewall
import JSON
import Model
import Planner

/// What somebody does by hand to a host with the manifests of a case on it.
enum Drift {
    static func change(_ host: inout SimulatedHost, _ name: String) throws {
        switch name {
        case "drift-failed-detection":
            for place in host.state.host.addresses.indices where host.state.host.addresses[place].link > 2 {
                let isIPv6 = host.state.host.addresses[place].address.address.family == .ipv6
                host.state.host.addresses[place].isTentative = isIPv6
            }
        case "drift-foreign-port":
            host.state.host.links.append(
                host.link(9, "tap0", in: host.state.host, isLoopback: false))
            try host.run(.changeLink(LinkReference(.host, "tap0"), [.master("bh-web")]))
        case "drift-rules":
            try breakRules(&host)
        case "drift-namespace":
            try host.run(.deleteNamespace(name: "web-1"))
            host.finish()
        case _:
            for operation in try operations(name) { try host.run(operation) }
        }
    }

    /// An address that did not work before works after undoing, too; what a foreign port was given is the kernel's.
    static func isRepairedForGood(_ line: String, _ name: String) -> Bool {
        name == "drift-failed-detection" && line.contains("address fd00:88::1/64 on bh-web")
    }

    private static func operations(_ name: String) throws -> [Operation] {
        let bridge = LinkReference(.host, "bh-web")
        let port = LinkReference(.host, "ep-web-1")
        let card = LinkReference(.named("web-1"), "eth0")
        switch name {
        case "drift-links":
            return [
                .changeLink(bridge, [.mtu(1400), .alias("mine"), .alias("bulkhead:default/Network/web")]),
                .changeLink(bridge, [.bridge(BridgeOptions(multicastSnooping: true, vlanFiltering: true))]),
                .changeLink(port, [.port(PortOptions(hairpin: false, guarded: false)), .up(false)]),
                .changeLink(card, [.mtu(1300), .up(false)]),
            ]
        case "drift-addresses":
            return [
                .removeAddress(card, try address("10.88.0.10", 24)), .addAddress(card, try address("10.88.0.77", 24)),
                .addAddress(bridge, try address("fd00:88::77", 64)),
                .addNeighbour(
                    NeighbourEntry(link: card, address: try ip("10.88.0.9"), mac: MACAddress("02:00:00:00:00:09"))),
            ]
        case "drift-routes":
            let all = try prefix("0.0.0.0/0")
            let wanted = RouteEntry(link: card, destination: all, gateway: try ip("10.88.0.1"), metric: 0)
            var other = wanted
            other.gateway = try ip("10.88.0.11")
            let surplus = RouteEntry(
                link: card, destination: try prefix("172.30.0.0/16"), gateway: try ip("10.88.0.11"), metric: 7,
                table: 77, origin: 3)
            return [.replaceRoute(other, old: wanted), .addRoute(surplus)]
        case "drift-settings":
            return [
                .writeSetting(.host, path: "net/ipv4/conf/bh-web/forwarding", value: "0"),
                .writeSetting(.host, path: "net/ipv4/conf/eth0/forwarding", value: "0"),
                .writeSetting(.named("web-1"), path: "net/ipv4/ip_forward", value: "1"),
                .writeSetting(.named("web-1"), path: "net/ipv6/conf/eth0/accept_ra", value: "2"),
            ]
        case "drift-overlay": return try entries()
        case "drift-evpn": return try announcements()
        case _: return []
        }
    }

    /// A way that is gone, one that leads elsewhere, one that nobody declares, an address of another, and a port that
    /// learns.
    private static func entries() throws -> [Operation] {
        let tunnel = LinkReference(.host, "vx-red")
        let bridge = LinkReference(.host, "bh-red")
        let there = Naming.endpointMAC(
            network: try name("red"), endpoint: try name("red-there"), host: "there")
        return [
            .removeNeighbour(NeighbourEntry(link: tunnel, address: nil, mac: there)),
            .addNeighbour(NeighbourEntry(link: tunnel, address: nil, mac: there, tunnelEnd: try ip("192.0.2.9"))),
            .addNeighbour(
                NeighbourEntry(link: tunnel, address: nil, mac: MACAddress(value: 0), tunnelEnd: try ip("192.0.2.9"))),
            .addNeighbour(
                NeighbourEntry(link: bridge, address: try ip("10.0.0.12"), mac: MACAddress("02:00:00:00:00:09"))),
            .changeLink(tunnel, [.port(PortOptions())]),
        ]
    }

    /// What BGP tells is gone, somebody else's there; the group has another keepalive, no file has it, and one frame for many
    /// would go where the routing daemon has it, which is no difference.
    private static func announcements() throws -> [Operation] {
        let (tunnel, bridge) = (LinkReference(.host, "vx-red"), LinkReference(.host, "bh-red"))
        let mac = Naming.endpointMAC(network: try name("red"), endpoint: try name("red-here"), host: "here")
        let lines = [
            "bgp router-id 192.0.2.2", "neighbor bulkhead peer-group", "neighbor bulkhead timers 60 180",
            "neighbor bulkhead description bulkhead:default/Host/here +router +advertise-all-vni",
            "neighbor 192.0.2.9 peer-group bulkhead",
        ].map { RoutingLine(.router, $0) }
        return [
            .removeNeighbour(NeighbourEntry(link: bridge, address: try ip("10.0.0.10"), mac: mac)),
            .addNeighbour(NeighbourEntry(link: bridge, address: try ip("10.0.0.77"), mac: mac)),
            .addNeighbour(
                NeighbourEntry(link: tunnel, address: nil, mac: MACAddress(value: 0), tunnelEnd: try ip("192.0.2.3"))),
            .configureRouting(RoutingChange(.running, RoutingPart(asn: 65000, lines: lines))),
            .configureRouting(RoutingChange(.startup, nil)),
        ]
    }

    private static func name(_ text: String) throws -> ObjectName {
        guard let name = ObjectName(text) else { throw BadPlan(description: text) }
        return name
    }

    /// One rule goes, one comes, and an element is gone.
    private static func breakRules(_ host: inout SimulatedHost) throws {
        guard let table = host.firewall.ruleset.tables.firstIndex(where: { $0.family == .inet }),
            let chain = host.firewall.ruleset.tables[table].chains.firstIndex(where: { $0.rules.count > 2 }),
            let set = host.firewall.ruleset.tables[table].sets.firstIndex(where: { !$0.elements.isEmpty })
        else { throw BadPlan(description: "no rules to break") }
        host.firewall.ruleset.tables[table].chains[chain].rules.remove(at: 1)
        host.firewall.ruleset.tables[table].chains[chain].rules.insert(
            Rule([["accept": nil]], comment: "mine", handle: 9999), at: 0)
        host.firewall.ruleset.tables[table].sets[set].elements.removeFirst()
    }

    private static func ip(_ text: String) throws -> IPAddress {
        guard let address = IPAddress(text) else { throw BadPlan(description: text) }
        return address
    }
    private static func prefix(_ text: String) throws -> IPPrefix {
        guard let prefix = IPPrefix(text) else { throw BadPlan(description: text) }
        return prefix
    }
    private static func address(_ text: String, _ length: Int) throws -> InterfaceAddress {
        guard let address = InterfaceAddress(address: try ip(text), length: length) else {
            throw BadPlan(description: text)
        }
        return address
    }
}
