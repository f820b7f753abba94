extension KindSpec {
    static let host = KindSpec(
        kind: "Host", doc: "A machine of the fleet.",
        spec: ObjectSpec([
            FieldSpec(
                "underlay",
                .object(ObjectSpec([FieldSpec("address", .text(.address), required: true, "IPv4 or IPv6.")])),
                "Tunnel endpoint address; needed by overlay networks."),
            FieldSpec("uplinks", .map(.object(uplink)), "Names for networks to use."),
            FieldSpec(
                "networks",
                .map(
                    .object(
                        ObjectSpec([
                            FieldSpec(
                                "outboundAddresses", .list(.text(.address), minimum: 1),
                                "Source addresses of outbound NAT on this host.")
                        ]))), "Per-host values of networks."),
            FieldSpec(
                "evpn",
                .object(
                    ObjectSpec([
                        FieldSpec("asn", .integer(1...4_294_967_295), required: true, "This host's AS."),
                        FieldSpec(
                            "peers", .list(.text(.address), minimum: 1), required: true,
                            "Route reflectors or neighbours."),
                    ])), "For overlays on BGP EVPN."),
        ]))

    static let compartment = KindSpec(
        kind: "Compartment", doc: "An isolated network stack.",
        spec: ObjectSpec([
            FieldSpec("host", .text(.name), default: "that of its endpoints", "The Host it is on."),
            FieldSpec(
                "namespace",
                .object(
                    ObjectSpec([
                        FieldSpec("name", .text(.name), "A namespace that bulkhead makes and owns."),
                        FieldSpec("path", .text(.path), "An existing namespace: adopted, never deleted."),
                    ])), default: "name: the compartment's own", "Which network namespace it is; one of the two.",
                kernel: "`ip netns add NAME`, id by `ip netns set`"),
            FieldSpec(
                "sysctls", .map(.text(.free)), "Kernel settings below net; interface names with dots as in sysctl(8).",
                kernel: "`ip netns exec NAME sysctl -w KEY=VALUE`"),
            FieldSpec(
                "dns", .object(dns), default: "what the networks say", "Overrides the networks.",
                kernel: "/etc/netns/NAME/resolv.conf"),
            FieldSpec(
                "hostAliases",
                .list(
                    .object(
                        ObjectSpec([
                            FieldSpec("ip", .text(.address), required: true, "The address."),
                            FieldSpec("hostnames", .list(.text(.domain), minimum: 1), required: true, "Names for it."),
                        ])), minimum: 0), "Further lines of the hosts file.", kernel: "/etc/netns/NAME/hosts"),
        ]))

    private static let account = ValueType.either(
        [.text(.account), .integer(0...4_294_967_294)], words: TextFormat.account.words)

    static let endpoint = KindSpec(
        kind: "Endpoint", doc: "A network card in a compartment, or handed to a VM.",
        spec: ObjectSpec([
            FieldSpec("network", .text(.name), required: true, "The network it is on."),
            FieldSpec("host", .text(.name), "The Host it is on; required when Hosts are declared."),
            FieldSpec(
                "device", .text(.words(["nic", "tap", "macvtap"])), default: "nic",
                "nic: a card in a compartment; tap, macvtap: a card for a hypervisor, on a bridge, or on an uplink with macvlans.",
                kernel:
                    "`ip link add ep-NAME type veth`, `ip tuntap add ep-NAME mode tap`, `ip link add ep-NAME link UPLINK type macvtap`"
            ),
            FieldSpec("compartment", .text(.name), default: "the endpoint's own name", "The compartment it is in."),
            FieldSpec(
                "interface", .text(.interface), default: "eth0 for the only endpoint of a compartment",
                "Name of the card inside."),
            FieldSpec("hostInterface", .text(.interface), default: "ep-NAME", "Name on the host side."),
            FieldSpec(
                "mac", .text(.mac), default: "derived from network, endpoint and host name", "MAC of the card.",
                kernel: "`ip link set INTERFACE address MAC`"),
            FieldSpec(
                "addresses", .list(.text(.address), minimum: 0), default: "one automatic address from each subnet",
                "Its addresses; [] for none.", kernel: "`ip address add ADDRESS dev INTERFACE nodad`"),
            FieldSpec(
                "allowedAddresses", .list(.text(.prefix), minimum: 0), "Further sources that antiSpoof lets through."),
            FieldSpec(
                "allowedMACs", .list(.text(.mac), minimum: 0), "Further source MACs that antiSpoof lets through."),
            FieldSpec("antiSpoof", .boolean, default: "the network's", "Whether sources are checked."),
            FieldSpec(
                "defaultRoute", .boolean, default: "true for the only endpoint of a compartment",
                "Whether the default route leads through it."),
            FieldSpec("routes", .list(.object(route), minimum: 0), "Further routes.", kernel: "`ip route add`"),
            FieldSpec("mtu", .integer(68...65535), default: "the network's", "Bytes."),
            FieldSpec("enabled", .boolean, default: "true", "false: link down, everything else kept (quarantine)."),
            FieldSpec(
                "tap",
                .object(
                    ObjectSpec([
                        FieldSpec("owner", account, "User that may open it, by name or number."),
                        FieldSpec("group", account, "Group that may open it, by name or number."),
                        FieldSpec(
                            "multiQueue", .boolean, default: "false", "It may be opened several times, a queue each."),
                    ])), "Who may open a tap, and how.",
                kernel: "`ip tuntap add ep-NAME mode tap user OWNER group GROUP`"),
            FieldSpec(
                "portMappings", .list(.object(portMapping), minimum: 0), "Published ports.",
                kernel: "elements of nft DNAT maps"),
            FieldSpec(
                "bandwidth",
                .object(
                    ObjectSpec([
                        FieldSpec(
                            "egress", .text(.rate), "What the endpoint may send.",
                            kernel: "`ip link add bw-NAME type ifb`, `tc qdisc add dev bw-NAME root tbf`"),
                        FieldSpec(
                            "ingress", .text(.rate), "What the endpoint may receive.",
                            kernel: "`tc qdisc add dev ep-NAME root tbf`"),
                        FieldSpec(
                            "burst", .text(.size), default: "what the rate lets through in 20 ms, at least 16KiB",
                            "Bytes that may pass at once."),
                    ])), "Limits, seen from the endpoint."),
        ]))

    private static let portMapping = ObjectSpec([
        FieldSpec("protocol", .text(.words(["tcp", "udp", "sctp"])), default: "tcp", "The protocol."),
        FieldSpec("hostPort", .ports, required: true, "Port or range on the host."),
        FieldSpec("port", .ports, required: true, "Port or range of the endpoint, as long as hostPort."),
        FieldSpec(
            "hostAddress", .text(.address), default: "all local addresses", "The only host address it is published on."),
        FieldSpec("allowShadow", .boolean, default: "false", "Publish although something listens on the port."),
    ])

    static let policy = KindSpec(
        kind: "Policy", doc: "Who may talk to whom.",
        spec: ObjectSpec([
            FieldSpec(
                "appliesTo",
                .object(
                    ObjectSpec([
                        FieldSpec("endpoints", .object(selector), "Endpoints by label."),
                        FieldSpec("networks", .list(.text(.name), minimum: 1), "Endpoints of these networks."),
                    ])), required: true, "Which endpoints; with both keys, those that fulfil both."),
            FieldSpec("priority", .integer(0...65535), default: "1000", "Low first."),
            FieldSpec("mode", .text(.words(["enforce", "audit"])), default: "enforce", "audit: count and log only."),
            FieldSpec("ingress", .object(direction("from")), "What may come in."),
            FieldSpec("egress", .object(direction("to")), "What may go out."),
            FieldSpec(
                "onRevoke", .text(.words(["flush", "keep"])), default: "flush",
                "What happens to connections that are no longer allowed."),
        ]))

    private static func direction(_ peers: String) -> ObjectSpec {
        ObjectSpec([
            FieldSpec(
                "default", .text(.words(["allow", "deny"])), required: true, "For traffic that no rule matches."),
            FieldSpec("rules", .list(.object(rule(peers)), minimum: 0), "In order; the first match decides."),
        ])
    }

    private static func rule(_ peers: String) -> ObjectSpec {
        ObjectSpec([
            FieldSpec(
                "name", .text(.name), default: "ingress-1, ingress-2, … or egress-1, … by its place",
                "For logs, counters and messages; unique in its direction."),
            FieldSpec(
                "action", .text(.words(["allow", "deny", "reject", "pass"])), required: true,
                "allow; deny: drop without an answer; reject: ICMP error or TCP reset; pass: isolation decides."),
            FieldSpec(
                peers,
                .list(
                    .object(
                        ObjectSpec([
                            FieldSpec("endpoints", .object(selector), "Endpoints by label."),
                            FieldSpec("network", .text(.name), "Endpoints of this network."),
                            FieldSpec("cidr", .text(.prefix), "By address."),
                            FieldSpec("except", .list(.text(.prefix), minimum: 1), "Parts of the cidr left out."),
                            FieldSpec("entity", .text(.words(["host", "world"])), "This host, or anything outside."),
                        ])), minimum: 1), default: "anyone", "Peers; within an item all keys must hold."),
            FieldSpec(
                "protocols",
                .list(
                    .object(
                        ObjectSpec([
                            FieldSpec(
                                "protocol", .text(.words(["tcp", "udp", "sctp", "icmp", "icmpv6"])), required: true,
                                "The protocol."),
                            FieldSpec(
                                "ports", .list(.ports, minimum: 1), default: "all",
                                "Destination ports of tcp, udp and sctp."),
                            FieldSpec(
                                "types",
                                .list(
                                    .either(
                                        [.integer(0...255), .text(.icmpType)],
                                        words: "a type such as echo-request, or its number from 0 to 255"),
                                    minimum: 1), default: "all", "ICMP types by name or number."),
                        ])), minimum: 1), default: "all", "What it is about."),
            FieldSpec(
                "log",
                .object(
                    ObjectSpec([
                        FieldSpec("to", .text(.words(["nflog", "kernel"])), required: true, "Where to."),
                        FieldSpec("group", .integer(0...65535), "NFLOG group; required for nflog."),
                    ])), default: "no log", "Log matches, rate-limited.",
                kernel: "`log prefix \"bh:VERDICT:POLICY/RULE\" group N`"),
        ])
    }
}
