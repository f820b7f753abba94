/// Random but valid manifests of networks, endpoints and policies, for tests that compare the model with something else.
///
/// A pure function of seed and step: networks and endpoints depend on the seed alone, and each step makes one policy
/// of the step before anew (or lets it come or go), so that a run over the steps is a run of changes in place.
public struct RandomManifests: Sendable {
    /// What all of it follows from.
    public let seed: UInt64
    /// How many endpoints; at least 2.
    public let endpointCount: Int
    /// How many policies there may be at once.
    public let policyCount: Int
    /// What else the host is joined to.
    public let surroundings: Surroundings

    /// Addresses of a machine outside that the policies name now and then; a test may wire one up.
    public static let outside = ["192.0.2.10", "2001:db8:f::10"]
    /// Ports that rules speak of lie in this range, with ends of ranges close to one another.
    public static let ports = 7001...7016

    /// Manifests of a seed.
    public init(
        seed: UInt64, endpointCount: Int = 6, policyCount: Int = 5, surroundings: Surroundings = .alone
    ) {
        self.seed = seed
        self.surroundings = surroundings
        self.endpointCount = max(endpointCount, 2)
        self.policyCount = policyCount
    }

    /// Networks and endpoints.
    public func topology() -> String {
        let networks = self.networks()
        return documents(surroundings.hosts.map(\.text) + networks.map(\.text) + endpoints(networks))
    }

    /// Policies as they are after that many steps; may be empty.
    public func policies(step: Int = 0) -> String {
        let networks = self.networks()
        let versions = self.versions(step)
        return documents(
            (0..<policyCount).compactMap { place in
                RandomPolicy(
                    generator: SeededGenerator(seed: seed, 3, UInt64(place), versions[place]), networks: networks,
                    surroundings: surroundings
                ).text(name: "policy-\(place)")
            })
    }

    /// One policy for everybody with very many rules, which stand in one another's way.
    public func crowdedPolicy(rules: Int = 40) -> String {
        documents([
            RandomPolicy(
                generator: SeededGenerator(seed: seed, 5), networks: networks(), surroundings: surroundings
            ).crowd(name: "crowd", rules: rules)
        ])
    }

    /// Everything.
    public func text(step: Int = 0) -> String { topology() + policies(step: step) }

    /// How often each policy was made anew.
    private func versions(_ step: Int) -> [UInt64] {
        var versions = [UInt64](repeating: 0, count: policyCount)
        guard step > 0, policyCount > 0 else { return versions }
        for number in 1...step {
            var generator = SeededGenerator(seed: seed, 4, UInt64(number))
            versions[Int.random(in: 0..<policyCount, using: &generator)] += 1
        }
        return versions
    }

    private func documents(_ texts: [String]) -> String { texts.map { $0 + "---\n" }.joined() }

    static func document(_ kind: String, _ name: String, labels: [String: String] = [:], _ spec: [String]) -> String {
        let pairs = labels.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
        return
            "apiVersion: bulkhead.dev/v1alpha1\nkind: \(kind)\nmetadata: {name: \(name), labels: {\(pairs)}}\nspec:\n"
            + spec.map { "  \($0)\n" }.joined()
    }
}

extension RandomManifests {
    func networks() -> [RandomNetwork] {
        var generator = SeededGenerator(seed: seed, 1)
        let count = Int.random(in: 2...4, using: &generator)
        var networks = (0..<count).map { number in
            let families = generator.pick([(true, true), (true, true), (true, false), (false, true)])
            // The first one is always a nat network with both families, so that every seed has a way out.
            return RandomNetwork(
                name: "net-\(number)", number: number,
                type: number == 0 ? "nat" : generator.pick(["nat", "nat", "internal", "internal", "private"]),
                hasIPv4: number == 0 || families.0, hasIPv6: number == 0 || families.1, peers: [])
        }
        for one in networks.indices {
            for other in networks.indices where one < other && generator.chance(50) {
                guard networks[one].type != "private", networks[other].type != "private" else { continue }
                networks[one].peers.append(networks[other].name)
                networks[other].peers.append(networks[one].name)
            }
        }
        networks += joined(&generator)
        for place in networks.indices { networks[place].text = text(networks[place], &generator) }
        return networks
    }

    /// The networks that make it no longer alone.
    private func joined(_ generator: inout SeededGenerator) -> [RandomNetwork] {
        switch surroundings {
        case .alone: return []
        case .uplink, .existingBridge:
            let families = generator.pick([(true, true), (true, true), (true, false), (false, true)])
            return [
                RandomNetwork(
                    name: "lan", number: 9, type: "transparent", hasIPv4: families.0, hasIPv6: families.1, peers: [])
            ]
        case .overlays:
            // Of equal prefixes; equal addresses, too.
            return (generator.chance(60) ? ["red", "blue"] : ["red"]).map { name in
                RandomNetwork(name: name, number: 7, type: "overlay", hasIPv4: true, hasIPv6: true, peers: [])
            }
        case .gateways:
            return [("red", 7, ["green"]), ("green", 8, ["red"]), ("blue", 7, [])].map { name, number, peers in
                RandomNetwork(
                    name: name, number: number, type: "overlay", hasIPv4: true, hasIPv6: true, peers: peers,
                    hasGateway: true)
            }
        }
    }

    private func text(_ network: RandomNetwork, _ generator: inout SeededGenerator) -> String {
        var spec = ["type: \(network.type)"]
        let isRouted = network.type == "transparent" && generator.chance(60)
        let subnets = network.prefixes.map { prefix in
            let router = Surroundings.routers.first { $0.contains(":") == prefix.contains(":") } ?? ""
            let gateway = network.hasGateway ? network.gateway(of: prefix) : isRouted ? router : nil
            return "{prefix: \"\(prefix)\"\(gateway.map { ", gateway: \"\($0)\"" } ?? "")}"
        }
        spec.append("subnets: [\(subnets.joined(separator: ", "))]")
        spec += surroundings.spec(of: network)
        if !network.peers.isEmpty {
            spec.append("peerNetworks: [\(network.peers.map { "{network: \($0)}" }.joined(separator: ", "))]")
        }
        var isolation: [String] = []
        if generator.chance(40) { isolation.append("intraNetwork: \(generator.pick(["allow", "deny", "deny"]))") }
        if network.type != "private", network.type != "overlay", generator.chance(40) {
            isolation.append("hostAccess: \(generator.pick(["allow", "deny", "deny"]))")
        }
        if !isolation.isEmpty { spec.append("isolation: {\(isolation.joined(separator: ", "))}") }
        if network.type == "nat", generator.chance(40) { spec.append("inbound: routed") }
        return Self.document("Network", network.name, spec)
    }

    func endpoints(_ networks: [RandomNetwork]) -> [String] {
        var counts: [String: Int] = [:]
        return (0..<endpointCount).map { number in
            var generator = SeededGenerator(seed: seed, 2, UInt64(number))
            let network = network(of: number, networks, &generator)
            let place = counts[network.name, default: 0]
            counts[network.name] = place + 1
            var spec = ["network: \(network.name)"]
            // Nobody hands out addresses on a physical network; on overlays different endpoints have equal ones.
            if network.type == "transparent" || generator.chance(70) {
                let list = network.addresses(10 + (network.type == "overlay" ? place : number)).map { "\"\($0)\"" }
                spec.append("addresses: [\(list.joined(separator: ", "))]")
            }
            spec += surroundings.host(of: place, on: network, &generator)
            if generator.chance(8), number > 1 { spec.append("enabled: false") }
            if network.type == "nat", generator.chance(50) { spec.append(mappings(number, &generator)) }
            var labels = ["app": generator.pick(["a", "b", "c"])]
            if generator.chance(60) { labels["tier"] = generator.pick(["x", "y"]) }
            return Self.document("Endpoint", "ep-\(number)", labels: labels, spec)
        }
    }

    /// The first two share the first network, so that there is always somebody to talk to; likewise the next two where
    /// the host is not alone.
    private func network(
        of number: Int, _ networks: [RandomNetwork], _ generator: inout SeededGenerator
    ) -> RandomNetwork {
        if number < 2 { return networks[0] }
        let joined = networks.filter(\.isJoined)
        if number < 4, let first = joined.first { return first }
        // Of peers, two each.
        if number < 6, joined.count > 1, joined[0].hasGateway { return joined[1] }
        return generator.pick(networks)
    }

    private func mappings(_ number: Int, _ generator: inout SeededGenerator) -> String {
        let (host, own) = (20000 + number * 10, Int.random(in: Self.ports, using: &generator))
        let transport = generator.pick(["tcp", "udp"])
        let mapping =
            generator.chance(50)
            ? "{protocol: \(transport), hostPort: \(host), port: \(own)}"
            : "{protocol: \(transport), hostPort: \(host)-\(host + 3), port: 7005-7008}"
        return "portMappings: [\(mapping)]"
    }
}
