extension KindSpec {
    static let network = KindSpec(
        kind: "Network", doc: "A virtual switch.",
        spec: ObjectSpec([
            FieldSpec(
                "type",
                .text(.words(["nat", "internal", "private", "transparent", "l2bridge", "l2tunnel", "overlay"])),
                required: true, "What kind of switch it is.",
                kernel: "bridge `bh-NAME` (`ip link add bh-NAME type bridge`)"),
            FieldSpec("hostSelector", .object(selector), default: "all Hosts", "On which Hosts it exists."),
            FieldSpec("subnets", .list(.object(subnet), minimum: 0), default: "none", "Prefixes of the network."),
            FieldSpec(
                "mtu",
                .either([.text(.words(["auto"])), .integer(68...65535)], words: "auto or a number from 68 to 65535"),
                default: "auto", "Bytes; auto is the uplink's less encapsulation, 1500 without an uplink.",
                kernel: "`ip link set bh-NAME mtu N`"),
            FieldSpec("dns", .object(dns), "Name servers for the compartments.", kernel: "/etc/netns/NAME/resolv.conf"),
            FieldSpec(
                "routes", .list(.object(route), minimum: 0),
                "Given to every endpoint, beside the default route via the gateway.",
                kernel: "`ip route add TO via VIA proto 98` in the compartment"),
            FieldSpec(
                "peerNetworks",
                .list(
                    .object(ObjectSpec([FieldSpec("network", .text(.name), required: true, "The other network.")])),
                    minimum: 0),
                "Networks reachable by routing; both must list each other. Of an overlay with a gateway, such ones.",
                kernel:
                    "element of the nft map of paths between bridges; overlay: `ip -n router-NAME route add PREFIX dev to-PEER`"
            ),
            FieldSpec(
                "isolation",
                .object(
                    ObjectSpec([
                        FieldSpec(
                            "intraNetwork", .text(.words(["allow", "deny"])), default: "allow",
                            "deny: no ingress from endpoints of this network unless a policy allows it."),
                        FieldSpec(
                            "hostAccess", .text(.words(["allow", "deny"])), default: "allow",
                            "deny: no egress to the host's own addresses unless a policy allows it."),
                    ])), "What holds where no policy speaks.", kernel: "elements of nft sets"),
            FieldSpec("antiSpoof", .boolean, default: "true", "Endpoints send only from their own addresses."),
            FieldSpec(
                "inbound", .text(.words(["published", "routed"])), default: "published",
                "published: from outside only published ports reach an endpoint; routed: routed traffic may come in."),
            FieldSpec(
                "outboundNAT", .object(outboundNAT), default: "on for nat", "Translation of traffic that leaves.",
                kernel: "`masquerade` or `snat` in the nft postrouting chain"),
            FieldSpec("uplink", .object(uplink), "The physical interface of uplink networks."),
            FieldSpec(
                "vlan", .object(ObjectSpec([FieldSpec("id", .integer(1...4094), required: true, "802.1Q id.")])),
                "Tag on the uplink.",
                kernel:
                    "`ip link add vl-NAME link UPLINK type vlan id ID`: a port of the bridge, or what macvlans stand on"
            ),
            FieldSpec(
                "attachment", .text(.words(["bridge", "macvlan"])), default: "bridge",
                "How a transparent network is attached: by a bridge with the uplink as port, or by macvlans of the uplink.",
                kernel: "macvlan: `ip link add eth0 link UPLINK type macvlan mode bridge` in the compartment"),
            FieldSpec(
                "bridge",
                .object(ObjectSpec([FieldSpec("existing", .text(.interface), required: true, "Its name.")])),
                "A bridge that someone else owns: attached to, never changed or deleted."),
            FieldSpec("vxlan", .object(vxlan), "Encapsulation of overlays."),
        ]))

    private static let subnet = ObjectSpec([
        FieldSpec("prefix", .text(.prefix), required: true, "IPv4 or IPv6."),
        FieldSpec(
            "gateway", .text(.address),
            default: "the first usable address, where the host is gateway; on an l2bridge one of the link",
            "The host's address on the network; of an overlay that of its gateway, which is on every Host.",
            kernel: "`ip address add GATEWAY dev bh-NAME`; overlay: `ip -n router-NAME address add GATEWAY dev gateway`"
        ),
        FieldSpec(
            "pool", .list(.text(.range), minimum: 1), default: "the whole prefix",
            "Where automatic addresses come from."),
        FieldSpec("reserved", .list(.text(.range), minimum: 0), "Never handed out automatically."),
    ])

    static let dns = ObjectSpec([
        FieldSpec("servers", .list(.text(.address), minimum: 0), "`nameserver` lines."),
        FieldSpec("search", .list(.text(.domain), minimum: 0), "`search` domains."),
        FieldSpec("options", .list(.text(.free), minimum: 0), "`options`, as in resolv.conf(5)."),
    ])

    static let route = ObjectSpec([
        FieldSpec("to", .text(.prefix), required: true, "Destination."),
        FieldSpec("via", .text(.address), required: true, "Next hop, in a subnet of the network."),
        FieldSpec("metric", .integer(0...4_294_967_295), "Priority; lower wins."),
    ])

    private static let outboundNAT = ObjectSpec([
        FieldSpec("enabled", .boolean, default: "true", "Whether traffic is translated."),
        FieldSpec("families", .list(.text(.words(["ipv4", "ipv6"])), minimum: 1), default: "both", "Which families."),
        FieldSpec(
            "addresses", .list(.text(.address), minimum: 1), default: "that of the outgoing interface",
            "Source addresses to use, one a family."),
        FieldSpec("exceptions", .list(.text(.prefix), minimum: 1), "Destinations that are not translated."),
        FieldSpec("destinations", .list(.text(.prefix), minimum: 1), "Only these destinations are translated."),
        FieldSpec("ports", .ports, "Source ports to use for TCP and UDP."),
    ])

    static let uplink = ObjectSpec([
        FieldSpec("name", .text(.name), "A name from the Host's uplinks."),
        FieldSpec("interface", .text(.interface), "An interface by name."),
        FieldSpec("mac", .text(.mac), "An interface by MAC."),
        FieldSpec("defaultRoute", .boolean, "The interface of the default route."),
    ])

    private static let vxlan = ObjectSpec([
        FieldSpec("vni", .integer(1...16_777_215), required: true, "Network identifier."),
        FieldSpec("port", .integer(1...65535), default: "4789", "UDP port."),
        FieldSpec(
            "controlPlane", .text(.words(["manifests", "evpn"])), default: "manifests", "Where entries come from."),
    ])
}
