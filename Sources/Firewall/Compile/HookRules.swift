internal import Addressing
internal import JSON
internal import Model

/// What the hooks of an interface with macvlans ask.
extension Stem {
    var chains: [Chain] {
        let number = StableHash.base32(StableHash.hash(uplink.name), count: 6)
        func base(_ hook: String) -> Chain.Base {
            Chain.Base(type: "filter", hook: hook, priority: Self.before, devices: [uplink.name])
        }
        return [
            Chain(name: name("fragments"), rules: fragmentRules()),
            Chain(name: name("sent"), rules: contentRules() + frameRules() + addressRules()),
            Chain(name: name("strangers"), rules: unaddressedRules()),
            Chain(
                name: "\(Self.entrance)\(number)-\(network.metadata.name)", base: base("ingress"),
                rules: entranceRules()),
            Chain(name: "\(Self.exit)\(number)-\(network.metadata.name)", base: base("egress"), rules: exitRules()),
        ]
    }

    /// What names of base chains begin with; behind it come six characters that stand for the interface, and the network, so
    /// that with another interface the old chain stays until its macvlans are gone.
    static let entrance = "uplink-in-"
    static let exit = "uplink-out-"

    /// The network that a base chain of the hooks is for; nil for any other chain.
    static func network(ofChain name: String) -> Substring? {
        for prefix in [entrance, exit] where name.hasPrefix(prefix) {
            let rest = name.dropFirst(prefix.count)
            return rest.count > 7 ? rest.dropFirst(7) : nil
        }
        return nil
    }

    /// By the interface from the wire, and from one macvlan to another.
    private func entranceRules() -> [Rule] {
        let own = uplink.mac.map { mac in
            [
                Rule(
                    [Nft.equal(Self.source, .string(mac.description)), Nft.counter, Nft.drop],
                    comment: "the host's MAC, sent back by the wire or forged by an endpoint")
            ]
        }
        return (own ?? []) + [
            Rule([Nft.equal(Self.source, set("disabled")), Nft.counter, Nft.drop], comment: "enabled: false"),
            Rule([Nft.equal(Self.target, set("disabled")), Nft.counter, Nft.drop], comment: "enabled: false"),
        ] + siblingRules()
    }

    /// What comes in with an endpoint's MAC: from one to another, or what the wire sends back, which only a tunnel wants.
    private func siblingRules() -> [Rule] {
        let isOwn = Nft.equal(Self.source, set("cards"))
        if network.type == .l2tunnel {
            let toHost = uplink.mac.map { mac in
                [
                    Rule(
                        [isOwn, Nft.equal(Self.target, .string(mac.description)), Nft.counter, Nft.drop],
                        comment: "no path to the host")
                ]
            }
            return (toHost ?? []) + [
                Rule([isOwn, Nft.goto(name("sent"))], comment: "sent back by the physical switch")
            ]
        }
        let toSibling = [isOwn, Nft.equal(Self.target, set("cards"))]
        let sibling =
            network.deniesIntraNetwork
            ? Rule(toSibling + [Nft.counter, Nft.drop], comment: "intraNetwork: deny")
            : Rule(toSibling + [Nft.goto(name("sent"))], comment: "from one endpoint to another")
        return [
            sibling, Rule([isOwn, Nft.counter, Nft.drop], comment: "an endpoint's MAC from the physical network"),
        ]
    }

    /// By the interface to the wire: of the host itself, of its VLANs, and of macvlans.
    private func exitRules() -> [Rule] {
        // What a VLAN of the interface sends has its tag beside the frame; what an endpoint tags has it inside.
        let vlan = Rule(
            [
                Nft.equal(Nft.payload("ether", "type"), Self.tags), Nft.differs(Nft.meta("protocol"), Self.tags),
                Nft.back,
            ], comment: "of a VLAN of the interface")
        let mac = uplink.mac.map { JSON.string($0.description) }
        let closing = Rule([Nft.counter, Nft.drop], comment: "no endpoint's, and the host has no place on it")
        let toHost = mac.map {
            [Rule([Nft.equal(Self.target, $0), Nft.counter, Nft.drop], comment: "no path to the host")]
        }
        let disabled = Rule(
            [Nft.equal(Self.source, set("disabled")), Nft.counter, Nft.drop], comment: "enabled: false")
        let own = Rule([Nft.equal(Self.source, set("cards")), Nft.goto(name("sent"))], comment: "from an endpoint")
        let toOwn = Rule(
            [Nft.equal(Self.target, set("cards")), Nft.counter, Nft.drop],
            comment: network.type == .l2tunnel ? "no path from the host" : "an endpoint is not on the wire")
        let others =
            uplink.isEndpointsAlone
            ? [closing]
            : mac.map {
                [Rule([Nft.differs(Self.source, $0), Nft.counter, Nft.drop], comment: "antiSpoof: MAC")]
                    + ownedRules(comment: "antiSpoof: an endpoint's address with the host's MAC")
            }
        // Endpoints of a tunnel meet on the wire.
        let rules = network.type == .l2tunnel ? [disabled, own, toOwn] : [toOwn, disabled, own]
        return (uplink.isEndpointsAlone ? [] : [vlan]) + (toHost ?? []) + rules + (others ?? [])
    }

    private func ownedRules(comment: String) -> [Rule] {
        [
            Nft.equal(Nft.payload("arp", "saddr ip"), set("owned4")),
            Nft.equal(Nft.payload("ip", "saddr"), set("owned4")), Nft.equal(Nft.payload("ip6", "saddr"), set("owned6")),
        ].map { Rule([$0, Nft.counter, Nft.drop], comment: comment) }
    }

    // MARK: What an endpoint sends

    private func frameRules() -> [Rule] {
        let sender = Nft.payload("arp", "saddr ip")
        return [
            Rule(
                [
                    Nft.differs(Nft.concat(Self.source, Nft.payload("arp", "saddr ether")), set("macs")), Nft.counter,
                    Nft.drop,
                ], comment: "antiSpoof: MAC in ARP"),
            Rule(
                [
                    Nft.differs(sender, "0.0.0.0"), Nft.equal(Self.source, set("checked")),
                    Nft.differs(Nft.concat(Self.source, sender), set("sources4")), Nft.counter, Nft.drop,
                ], comment: "antiSpoof: IPv4 address in ARP"),
            Rule(
                [Nft.differs(Self.source, set("checked")), Nft.jump(name("strangers"))],
                comment: "antiSpoof: addresses of others"),
        ]
    }

    /// What an endpoint never sends unless its address is the gateway, and what it says inside of a packet about addresses of
    /// others. No hook sees packets that are put together again, so that what hides in a later fragment must not come at all.
    private func contentRules() -> [Rule] {
        let (type4, type6) = (Nft.payload("icmp", "type"), Nft.payload("icmpv6", "type"))
        func drop(_ match: JSON, _ comment: String) -> Rule { Rule([match, Nft.counter, Nft.drop], comment: comment) }
        func ask(_ kind: Claims.Kind, _ match: JSON...) -> Rule {
            Rule(match + [Nft.verdicts(Self.source, name(kind.map))], comment: kind.words)
        }
        return [
            drop(
                Nft.differs(Nft.payload("ether", "type"), Nft.set(["arp", "ip", "ip6"])),
                "only untagged IPv4, IPv6 and ARP"),
            Rule(
                [
                    Nft.differs(["&": [Nft.payload("ip", "frag-off"), 0x3fff]], 0),
                    Nft.equal(type4, Nft.set(Nft.errors4)), Nft.counter, Nft.drop,
                ], comment: "antiSpoof: an error in fragments"),
            drop(
                Nft.equal(Self.fragment("nexthdr"), Nft.set([0, 43, 44, 60])),
                "antiSpoof: what it is hides in a later fragment"
            ),
            Rule(
                [Nft.equal(Self.fragment("frag-off"), 0), Nft.jump(name("fragments"))], comment: "antiSpoof: fragments"),
            drop(
                Nft.equal(type6, Nft.set(["nd-redirect", "nd-router-advert"])),
                "antiSpoof: router advertisement, redirect"),
            drop(
                Nft.equal(type4, Nft.set(["redirect", "router-advertisement"])),
                "antiSpoof: redirect, router advertisement"),
            drop(Nft.equal(Nft.payload("udp", "sport"), Nft.set([67, 547])), "antiSpoof: DHCP server"),
            drop(Nft.equal(Nft.payload("udp", "dport"), Nft.set([68, 546])), "antiSpoof: DHCP server"),
            ask(.discovery, Nft.equal(type6, "nd-neighbor-advert")),
            ask(.discovery, Nft.equal(Nft.payload("ip6", "saddr"), "::"), Nft.equal(type6, "nd-neighbor-solicit")),
            ask(.error, Nft.equal(type4, Nft.set(Nft.errors4))), ask(.error, Nft.below(type6, "echo-request")),
        ]
    }

    /// Of a fragment of IPv6: its place, and what begins behind its header. Packets that are whole have neither.
    private static func fragment(_ field: String) -> JSON {
        ["exthdr": ["name": "frag", "field": .string(field)]]
    }

    /// First fragments of IPv6: no ICMPv6 but echoes comes in several.
    private func fragmentRules() -> [Rule] {
        [
            Rule([
                Nft.equal(Nft.payload("icmpv6", "type"), Nft.set(["echo-request", "echo-reply"])), Nft.back,
            ]),
            Rule([Nft.differs(Nft.meta("l4proto"), Nft.icmp(.ipv6)), Nft.back]),
            Rule([Nft.counter, Nft.drop], comment: "antiSpoof: what it is hides in a later fragment"),
        ]
    }

    /// What holds for addresses, on a segment where no manifest knows all cards.
    private func addressRules() -> [Rule] {
        let (source4, source6) = (Nft.payload("ip", "saddr"), Nft.payload("ip6", "saddr"))
        let checked = Nft.equal(Self.source, set("checked"))
        let begun: [JSON] = [
            "mld-listener-report", "mld-listener-done", "nd-router-solicit", "nd-neighbor-solicit",
            "mld2-listener-report",
        ]
        return [
            Rule(
                [
                    Nft.equal(Self.target, "ff:ff:ff:ff:ff:ff"), Nft.equal(source4, "0.0.0.0"),
                    Nft.equal(Nft.payload("ip", "daddr"), "255.255.255.255"),
                    Nft.equal(Nft.payload("udp", "sport"), 68), Nft.equal(Nft.payload("udp", "dport"), 67), Nft.back,
                ], comment: "DHCP client"),
            Rule(
                [checked, Nft.differs(Nft.concat(Self.source, source4), set("sources4")), Nft.counter, Nft.drop],
                comment: "antiSpoof: IPv4 source"),
            Rule(
                [
                    Nft.equal(source6, "::"), Nft.equal(Nft.payload("icmpv6", "type"), Nft.set(begun)), Nft.back,
                ], comment: "duplicate address detection, listener reports"),
            Rule(
                [
                    Nft.equal(source6, Nft.linkLocal6), Nft.equal(Nft.concat(Self.source, source6), set("locals")),
                    Nft.back,
                ], comment: "its own link-local address"),
            Rule(
                [Nft.equal(source6, Nft.linkLocal6), Nft.equal(Claims.fromMAC, 0xfffe), Nft.counter, Nft.drop],
                comment: "antiSpoof: the link-local address of another card"),
            Rule(
                [
                    Nft.equal(source6, set("taken")), Nft.differs(Nft.concat(Self.source, source6), set("sources6")),
                    Nft.counter, Nft.drop,
                ],
                comment: "antiSpoof: a link-local address of others"),
            Rule([Nft.equal(source6, Nft.linkLocal6), Nft.back], comment: "a link-local address that nobody else has"),
            Rule(
                [checked, Nft.differs(Nft.concat(Self.source, source6), set("sources6")), Nft.counter, Nft.drop],
                comment: "antiSpoof: IPv6 source"),
        ]
    }

    /// What an endpoint without addresses does not send from.
    private func unaddressedRules() -> [Rule] { ownedRules(comment: "antiSpoof: an address of others") }

    // MARK: Claims

    static func chain(_ kind: Claims.Kind, _ endpoint: Endpoint) -> String {
        "\(kind.rawValue)-\(endpoint.metadata.name)"
    }

    /// What is one of its own goes on; of one without addresses, what is nobody's.
    func claims(_ endpoint: Endpoint) -> [Chain] {
        Claims.Kind.allCases.map { kind in
            var rules = kind.fields.flatMap { field in
                Self.own(field.family, endpoint).map { Rule(field.condition + match($0, field) + [Nft.back]) }
            }
            if endpoint.checksAddresses {
                rules += Claims.rest(kind)
            } else {
                rules += Claims.ofOthers(kind) { owners($0).map(\.address.value) }
            }
            return Chain(name: Self.chain(kind, endpoint), rules: rules)
        }
    }

    private static func own(_ family: AddressFamily, _ endpoint: Endpoint) -> [IPPrefix] {
        endpoint.sources(family) + (family == .ipv6 ? locals(endpoint).map { IPPrefix(host: .v6($0)) } : [])
    }

    private func match(_ prefix: IPPrefix, _ field: Claims.Field) -> [JSON] {
        prefix.length == prefix.family.width
            ? [Nft.equal(field.payload, field.value(prefix.address.value))] : Claims.inside(prefix, field)
    }
}
