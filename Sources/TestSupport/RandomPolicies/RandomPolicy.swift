/// One random policy, of all features that the contract has.
struct RandomPolicy {
    var generator: SeededGenerator
    let networks: [RandomNetwork]
    let surroundings: Surroundings

    init(generator: SeededGenerator, networks: [RandomNetwork], surroundings: Surroundings) {
        self.generator = generator
        self.networks = networks
        self.surroundings = surroundings
    }

    /// The document; nil where this version of the policy is not there.
    func text(name: String) -> String? {
        var random = self
        return random.make(name)
    }

    /// A policy for all endpoints with that many rules each way.
    func crowd(name: String, rules: Int) -> String {
        var random = self
        var spec = ["appliesTo: {endpoints: {}}"]
        for direction in ["ingress", "egress"] {
            spec += ["\(direction):", "  default: deny", "  rules:"]
            for number in 0..<rules { spec.append("    - {\(random.rule(direction, number))}") }
        }
        return RandomManifests.document("Policy", name, spec)
    }

    private mutating func make(_ name: String) -> String? {
        if generator.chance(10) { return nil }
        var spec = ["appliesTo: {\(target())}"]
        if generator.chance(70) { spec.append("priority: \(generator.pick([0, 10, 10, 500, 1000, 65535]))") }
        if generator.chance(15) { spec.append("mode: audit") }
        if generator.chance(30) { spec.append("onRevoke: \(generator.pick(["flush", "keep"]))") }
        let directions = generator.pick([["ingress"], ["ingress"], ["egress"], ["ingress", "egress"]])
        for direction in directions {
            spec.append("\(direction):")
            spec.append("  default: \(generator.pick(["allow", "deny"]))")
            let rules = Int.random(in: 0...4, using: &generator)
            if rules > 0 { spec.append("  rules:") }
            for number in 0..<rules { spec.append("    - {\(rule(direction, number))}") }
        }
        return RandomManifests.document("Policy", name, spec)
    }

    private mutating func target() -> String {
        let labels = "endpoints: \(selector())"
        let list = "networks: [\(generator.some(networks.map(\.name)).joined(separator: ", "))]"
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<5: return labels
        case 5..<7: return list
        case _: return "\(labels), \(list)"
        }
    }

    private mutating func selector() -> String {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<2: return "{}"
        case 2..<6: return "{matchLabels: {app: \(generator.pick(["a", "b", "c"]))}}"
        case 6: return "{matchExpressions: [{key: tier, operator: \(generator.pick(["Exists", "DoesNotExist"]))}]}"
        case 7: return "{matchExpressions: [{key: app, operator: In, values: [a, b]}]}"
        case 8: return "{matchExpressions: [{key: tier, operator: NotIn, values: [x]}]}"
        case _: return "{matchLabels: {app: a}, matchExpressions: [{key: tier, operator: Exists}]}"
        }
    }

    private mutating func rule(_ direction: String, _ number: Int) -> String {
        var parts: [String] = []
        if generator.chance(60) { parts.append("name: rule-\(number)") }
        parts.append("action: \(generator.pick(["allow", "allow", "allow", "deny", "deny", "reject", "pass"]))")
        // Peers of one family alone leave no room for ICMP of the other.
        var family: String?
        if generator.chance(75) {
            let key = direction == "ingress" ? "from" : "to"
            let peers = (0..<Int.random(in: 1...2, using: &generator)).map { _ in peer() }
            let families = Set(peers.map(\.family))
            family = families.count == 1 ? peers[0].family : nil
            parts.append("\(key): [\(peers.map { "{\($0.text)}" }.joined(separator: ", "))]")
        }
        if generator.chance(70) {
            let services = (0..<Int.random(in: 1...2, using: &generator)).map { _ in "{\(service(family))}" }
            parts.append("protocols: [\(services.joined(separator: ", "))]")
        }
        if generator.chance(15) { parts.append("log: {to: nflog, group: \(generator.pick([5, 100]))}") }
        return parts.joined(separator: ", ")
    }

    /// A peer, and the family where its `cidr` has one.
    private mutating func peer() -> (text: String, family: String?) {
        switch Int.random(in: 0..<12, using: &generator) {
        case 0..<3: return ("endpoints: \(selector())", nil)
        case 3: return ("network: \(generator.pick(networks).name)", nil)
        case 4: return ("endpoints: \(selector()), network: \(generator.pick(networks).name)", nil)
        case 5: return ("entity: host", nil)
        case 6: return ("entity: world", nil)
        case 7:
            let block = block()
            return ("entity: \(generator.pick(["host", "world"])), \(block.text)", block.family)
        case 8:
            let block = block()
            return ("endpoints: \(selector()), \(block.text)", block.family)
        case _: return block()
        }
    }

    private mutating func block() -> (text: String, family: String?) {
        let network = generator.pick(networks)
        let isIPv4 = network.hasIPv4 && (!network.hasIPv6 || generator.chance(60))
        let number = 60 + network.number
        let host = 10 + Int.random(in: 0..<6, using: &generator)
        let choices: [(cidr: String, except: String)] =
            isIPv4
            ? [
                ("10.\(number).0.0/24", "10.\(number).0.\(host)/32"), ("10.0.0.0/8", "10.\(number).0.0/24"),
                ("10.\(number).0.\(host)/32", ""), ("10.\(number).0.0/28", ""), ("192.0.2.0/24", "192.0.2.10/32"),
                ("0.0.0.0/0", "10.0.0.0/8"), ("192.0.2.10/32", ""), ("10.\(number).0.1/32", ""),
            ]
            : [
                ("fd00:\(number)::/64", "fd00:\(number)::\(host)/128"), ("fd00::/16", "fd00:\(number)::/64"),
                ("fd00:\(number)::\(host)/128", ""), ("2001:db8:f::/64", "2001:db8:f::10/128"),
                ("::/0", "fd00::/16"), ("2001:db8:f::10/128", ""), ("fd00:\(number)::/124", ""),
            ]
        let choice = generator.pick(choices + surroundings.blocks(network, isIPv4: isIPv4))
        let except = choice.except.isEmpty || generator.chance(50) ? "" : ", except: [\"\(choice.except)\"]"
        return ("cidr: \"\(choice.cidr)\"\(except)", isIPv4 ? "ipv4" : "ipv6")
    }

    private mutating func service(_ family: String?) -> String {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<4: return "protocol: tcp\(ports())"
        case 4..<7: return "protocol: udp\(ports())"
        case 7: return "protocol: sctp\(ports())"
        case _:
            let isIPv4 = family.map { $0 == "ipv4" } ?? generator.chance(60)
            let types = generator.pick(["", ", types: [echo-request]", ", types: [8, 13]", ", types: [128]"])
            return isIPv4 ? "protocol: icmp\(types)" : "protocol: icmpv6\(types)"
        }
    }

    private mutating func ports() -> String {
        if generator.chance(25) { return "" }
        let items = (0..<Int.random(in: 1...3, using: &generator)).map { _ -> String in
            let first = Int.random(in: RandomManifests.ports, using: &generator)
            if generator.chance(60) { return "\(first)" }
            return "\(first)-\(Int.random(in: first...RandomManifests.ports.upperBound, using: &generator))"
        }
        return ", ports: [\(items.joined(separator: ", "))]"
    }
}
