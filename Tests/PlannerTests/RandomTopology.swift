import TestSupport

/// Random but valid manifests in which objects of the same names are of other types, at other places and with other
/// attributes with every revision, so that the way from one to another is made of changes of all kinds.
struct RandomTopology {
    private var generator: SeededGenerator
    private var documents: [String] = []
    /// Names of cards on the host that are still free; with the next revision others may have them.
    private var hostNames: [String] = []

    init(seed: UInt64, revision: UInt64) {
        generator = SeededGenerator(seed: seed, 11, revision)
        hostNames = (0..<6).map { "card\($0)" }.shuffled(using: &generator)
        let networks = (0..<3).map { number in network(number) }
        for number in 0..<3 where generator.chance(80) { compartment(number) }
        var cards: [String: [(name: String, network: (name: String, type: String, number: Int))]] = [:]
        for number in 0..<6 where generator.chance(80) {
            cards["box-\(generator.pick([0, 1, 2]))", default: []].append(("ep-\(number)", generator.pick(networks)))
        }
        for (name, list) in cards.sorted(by: { $0.key < $1.key }) {
            let names = ["eth0", "eth1", "eth2", "eth3", "eth4", "eth5"].shuffled(using: &generator)
            let gate = list.first { $0.network.type == "nat" && generator.chance(70) }?.name
            for (place, card) in list.enumerated() {
                endpoint(card.name, card.network, in: name, names[place], hasDefault: card.name == gate)
            }
        }
    }

    /// The manifests, in an order of their own.
    func text(shuffled seed: UInt64? = nil) -> String {
        guard let seed else { return documents.joined(separator: "---\n") }
        var order = SeededGenerator(seed: seed)
        return documents.shuffled(using: &order).joined(separator: "---\n")
    }

    private mutating func add(_ kind: String, _ name: String, _ spec: [String], protect: Bool = false) {
        let annotations = protect ? ", annotations: {bulkhead.dev/prevent-destroy: \"true\"}" : ""
        documents.append(
            "apiVersion: bulkhead.dev/v1alpha1\nkind: \(kind)\nmetadata: {name: \(name)\(annotations)}\nspec:\n"
                + spec.map { "  \($0)\n" }.joined())
    }

    private mutating func network(_ number: Int) -> (name: String, type: String, number: Int) {
        if number == 2, generator.chance(60) { return macvlanNetwork(number) }
        let type = generator.pick(["nat", "internal", "private"])
        let families = generator.pick([
            ["10.\(60 + number).0.0/24", "fd00:\(60 + number)::/\(generator.pick([60, 64]))"],
            ["10.\(60 + number).0.0/24"],
        ])
        var spec = ["type: \(type)", "subnets: [\(families.map { "{prefix: \"\($0)\"}" }.joined(separator: ", "))]"]
        if generator.chance(30) { spec.append("mtu: \(generator.pick([1400, 9000]))") }
        if generator.chance(30) { spec.append("isolation: {intraNetwork: deny}") }
        if generator.chance(30) { spec.append("dns: {servers: [10.60.0.53], search: [example.test]}") }
        if generator.chance(30), type != "private" {
            spec.append("routes: [{to: 172.16.\(number).0/24, via: 10.\(60 + number).0.\(generator.pick([8, 9]))}]")
        }
        add("Network", "net-\(number)", spec)
        return ("net-\(number)", type, number)
    }

    /// There is one at most on an interface.
    private mutating func macvlanNetwork(_ number: Int) -> (name: String, type: String, number: Int) {
        var spec = [
            generator.pick(["type: transparent\n  attachment: macvlan", "type: l2tunnel"]),
            "uplink: {interface: eth\(generator.pick([0, 1]))}",
            "subnets: [{prefix: 10.\(60 + number).0.0/24, pool: [10.\(60 + number).0.0/25]}]",
        ]
        if generator.chance(30) { spec.append("mtu: 1400") }
        if generator.chance(30), spec[0] != "type: l2tunnel" { spec.append("isolation: {intraNetwork: deny}") }
        add("Network", "net-\(number)", spec)
        return ("net-\(number)", "macvlan", number)
    }

    private mutating func compartment(_ number: Int) {
        var spec: [String] = []
        var settings: [String] = []
        if generator.chance(30) { settings.append("net.ipv4.ip_forward: \"1\"") }
        if generator.chance(30) { settings.append("net.ipv6.conf.all.forwarding: \"1\"") }
        if generator.chance(30) {
            settings.append("net.ipv4.ip_unprivileged_port_start: \"\(generator.pick([0, 80]))\"")
        }
        if !settings.isEmpty { spec.append("sysctls: {\(settings.joined(separator: ", "))}") }
        if generator.chance(40) {
            spec.append("hostAliases: [{ip: 10.0.0.\(generator.pick([8, 9])), hostnames: [old]}]")
        }
        if spec.isEmpty { spec.append("dns: {servers: [10.0.0.53]}") }
        add("Compartment", "box-\(number)", spec)
    }

    private mutating func endpoint(
        _ name: String, _ network: (name: String, type: String, number: Int), in compartment: String,
        _ interface: String, hasDefault: Bool
    ) {
        var spec = ["network: \(network.name)", "defaultRoute: \(hasDefault)"]
        let isMacvlan = network.type == "macvlan"
        if generator.chance(20), !isMacvlan {
            let options = generator.pick(["owner: 7", "owner: 8, group: 7", "multiQueue: true"])
            spec.append("device: tap" + (generator.chance(50) ? "\n  tap: {\(options)}" : ""))
        } else {
            spec += ["compartment: \(compartment)", "interface: \(interface)"]
        }
        if generator.chance(30) { spec.append("mtu: \(generator.pick([1280, 1300]))") }
        if generator.chance(30) { spec.append("mac: 02:00:00:00:0\(generator.pick([1, 2, 3])):\(name.suffix(1))0") }
        if generator.chance(20) { spec.append("enabled: false") }
        if let name = hostNames.popLast(), generator.chance(50), !isMacvlan { spec.append("hostInterface: \(name)") }
        if generator.chance(30), !isMacvlan {
            let (egress, ingress) = ("egress: \(generator.pick([8, 9]))Mbit", "ingress: \(generator.pick([8, 9]))Mbit")
            spec.append("bandwidth: {\(generator.pick([egress, ingress, "\(egress), \(ingress)"]))}")
        }
        if network.type == "nat", generator.chance(40) {
            spec.append("portMappings: [{protocol: tcp, hostPort: 8\(name.suffix(1))00, port: 80}]")
        }
        add("Endpoint", name, spec)
    }
}
