public import Addressing
internal import JSON
public import Model

/// A rule of somebody else's table that translates addresses, as far as manifests could say the same.
public struct ForeignTranslation: Hashable, Sendable {
    /// What it does.
    public enum Effect: Hashable, Sendable {
        /// `tcp dport 8080 dnat to 10.9.0.10:80`: a published port. Without a port of its own the target has the same one;
        /// without an address the port is that of all addresses of the host.
        case publishes(
            transport: PortProtocol, ports: PortRange, on: IPAddress?, target: IPAddress, targetPorts: PortRange)
        /// `ip saddr 10.9.0.0/24 masquerade`: what leaves gets the address of the way out. Nil for all sources, whose family is
        /// the one given, or either.
        case masquerades(source: IPPrefix?, family: AddressFamily?)
        /// It translates, but by conditions or in ways that no manifest has.
        case unclear
    }

    /// `ip nat`.
    public let table: String
    /// The chain's name.
    public let chain: String
    /// By which it is deleted (`nft delete rule ip nat prerouting handle 4`).
    public let handle: Int64
    /// As `nft list table` writes it.
    public let text: String
    /// What it does.
    public let effect: Effect

    /// What takes the rule away.
    public var removal: String { "nft delete rule \(table) \(chain) handle \(handle)" }
}

extension ForeignTranslation {
    /// The rules of a listing that translate; `texts` has their words by chain and handle.
    static func all(_ listing: JSON, table: String, family: String, texts: [String: String]) -> [ForeignTranslation] {
        (listing["nftables"]?.array ?? []).compactMap { $0["rule"] }.compactMap { rule in
            guard let chain = rule["chain"]?.string, let handle = rule["handle"]?.int,
                let text = texts[textKey(chain, handle)], translates(rule["expr"]?.array ?? [], text)
            else { return nil }
            return ForeignTranslation(
                table: table, chain: chain, handle: handle, text: text,
                effect: RuleReader(family: family).effect(rule["expr"]?.array ?? []))
        }
    }

    static func textKey(_ chain: some StringProtocol, _ handle: Int64) -> String { "\(chain) \(handle)" }

    /// Rules by chain and handle, from a listing for people (`nft -a list table`).
    static func texts(_ listing: String) -> [String: String] {
        var (texts, chain) = ([String: String](), "")
        for line in listing.split(separator: "\n") {
            let parts = line.split(separator: " ")
            if line.hasPrefix("\tchain "), parts.count > 2 { chain = String(parts[1]) }
            guard line.hasPrefix("\t\t"), let mark = parts.lastIndex(of: "handle"), mark > 0, parts[mark - 1] == "#",
                mark + 1 < parts.count, let handle = Int64(parts[mark + 1])
            else { continue }
            let words = parts[..<(mark - 1)].joined(separator: " ")
            texts[textKey(chain, handle)] = String(words.drop { $0 == "\t" })
        }
        return texts
    }

    /// Whether a rule changes addresses. What `iptables` made may be an extension that nft does not know (`xt target`).
    private static func translates(_ expressions: [JSON], _ text: String) -> Bool {
        let verdicts = ["dnat", "snat", "masquerade", "redirect"]
        if expressions.contains(where: { expression in verdicts.contains { expression[$0] != nil } }) { return true }
        return expressions.contains { $0["xt"] != nil } && ["NAT", "MASQ", "REDIRECT"].contains(where: text.contains)
    }
}

/// Reads one rule: conditions that a published port or a masquerade of a network may have, and none else.
private struct RuleReader {
    let family: String
    private var transport: PortProtocol?
    private var ports: PortRange?
    private var hostAddress: IPAddress?
    private var source: IPPrefix?
    private var sourceFamily: AddressFamily?
    private var isClear = true

    init(family: String) {
        self.family = family
        sourceFamily = family == "ip" ? .ipv4 : family == "ip6" ? .ipv6 : nil
    }

    func effect(_ expressions: [JSON]) -> ForeignTranslation.Effect {
        var reader = self
        for expression in expressions where expression["counter"] == nil {
            if let match = expression["match"] {
                reader.note(match)
            } else if let verdict = expression["dnat"] {
                return reader.publication(verdict) ?? .unclear
            } else if let verdict = expression["masquerade"] {
                let isPlain = verdict.object?.members.isEmpty ?? true
                guard reader.isClear, isPlain, reader.ports == nil, reader.hostAddress == nil else { return .unclear }
                return .masquerades(source: reader.source, family: reader.sourceFamily)
            } else {
                return .unclear
            }
        }
        return .unclear
    }

    private func publication(_ verdict: JSON) -> ForeignTranslation.Effect? {
        guard isClear, let transport, let ports, source == nil, let text = verdict["addr"]?.string,
            let target = IPAddress(text), verdict["flags"] == nil
        else { return nil }
        guard let port = verdict["port"] else {
            return .publishes(transport: transport, ports: ports, on: hostAddress, target: target, targetPorts: ports)
        }
        guard ports.count == 1, let targetPorts = Self.range(port), targetPorts.count == 1 else { return nil }
        return .publishes(transport: transport, ports: ports, on: hostAddress, target: target, targetPorts: targetPorts)
    }

    private mutating func note(_ match: JSON) {
        let (left, right, isEqual) = (match["left"], match["right"], match["op"]?.string == "==")
        if let payload = left?["payload"], isEqual, let name = payload["protocol"]?.string,
            let field = payload["field"]?.string, let right
        {
            return note(name, field, right)
        }
        if let key = left?["meta"]?["key"]?.string {
            return note(meta: key, isEqual: isEqual, right)
        }
        // For packets to the host's own addresses: what a published port is anyway.
        if left?["fib"]?["result"]?.string == "type", isEqual, right?.string == "local" { return }
        isClear = false
    }

    private mutating func note(_ name: String, _ field: String, _ right: JSON) {
        switch (name, field) {
        case ("tcp", "dport"), ("udp", "dport"), ("sctp", "dport"), ("th", "dport"):
            ports = Self.range(right)
            if let named = PortProtocol(rawValue: name) { transport = named }
            isClear = isClear && ports != nil
        case ("ip", "daddr"), ("ip6", "daddr"):
            hostAddress = right.string.flatMap { IPAddress($0) }
            isClear = isClear && hostAddress != nil
        case ("ip", "saddr"), ("ip6", "saddr"):
            source = Self.prefix(right)
            isClear = isClear && source != nil
        case _: isClear = false
        }
    }

    private mutating func note(meta key: String, isEqual: Bool, _ right: JSON?) {
        switch (key, isEqual, right?.string ?? right?.int.map(String.init)) {
        case ("l4proto", true, let name?), ("protocol", true, let name?):
            let numbers = ["6": PortProtocol.tcp, "17": .udp, "132": .sctp]
            transport = PortProtocol(rawValue: name) ?? numbers[name]
            isClear = isClear && transport != nil
        case ("nfproto", true, "ipv4"?): sourceFamily = .ipv4
        case ("nfproto", true, "ipv6"?): sourceFamily = .ipv6
        // By which way it leaves, or that it does not come from or go to the network itself.
        case ("oifname", _, _?), ("oif", _, _?), ("iifname", false, _?), ("iif", false, _?): break
        case _: isClear = false
        }
    }

    private static func range(_ value: JSON) -> PortRange? {
        if let port = value.int { return PortRange(Int(port), Int(port)) }
        guard let ends = value["range"]?.array, ends.count == 2, let first = ends[0].int, let last = ends[1].int
        else { return nil }
        return PortRange(Int(first), Int(last))
    }

    private static func prefix(_ value: JSON) -> IPPrefix? {
        if let text = value.string { return IPAddress(text).map { IPPrefix(host: $0) } }
        guard let address = value["prefix"]?["addr"]?.string.flatMap({ IPAddress($0) }),
            let length = value["prefix"]?["len"]?.int
        else { return nil }
        return IPPrefix(address: address, length: Int(length))
    }
}
