import Foundation
import TestSupport
import Testing

/// A bridge that others share tracks what it floods in the zone of what goes to the host. Who may send raw frames there, or
/// only name a MAC of nobody as the host's, makes a connection known that no rule speaks against, and then sends its next
/// packet to the host: nothing is let through by that.
@Suite struct PassageTests {
    /// Where the sender's segment comes from.
    enum Segment: String, CaseIterable, CustomTestStringConvertible {
        case uplink = "uplink: {interface: eth1}"
        case existing = "bridge: {existing: br0}"
        /// A bridge that no manifest names.
        case foreign = ""
        var testDescription: String { rawValue.isEmpty ? "a foreign bridge" : rawValue }
        var bridge: String { self == .uplink ? "bh-lan" : "br0" }
    }

    /// The host at 10.88.0.2 on the segment, with `loose`, to whose port the bridge floods; behind it `v`, which a policy closes, `i`, to which there is no way, and `o`,
    /// which is open to all outside.
    private static func documents(_ segment: Segment) -> String {
        var text = ""
        if segment != .foreign {
            text = """
                apiVersion: bulkhead.dev/v1alpha1
                kind: Network
                metadata: {name: lan}
                spec:
                  type: transparent
                  \(segment.rawValue)
                  subnets: [{prefix: 10.88.0.0/24, gateway: 10.88.0.1}, {prefix: "fd00:88::/64", gateway: "fd00:88::1"}]
                  isolation: {hostAccess: deny}
                ---
                apiVersion: bulkhead.dev/v1alpha1
                kind: Endpoint
                metadata: {name: m}
                spec: {network: lan, addresses: [10.88.0.12, "fd00:88::12"]}
                ---
                apiVersion: bulkhead.dev/v1alpha1
                kind: Endpoint
                metadata: {name: loose}
                spec: {network: lan, addresses: [10.88.0.13], antiSpoof: false}
                ---

                """
        }
        for (number, name, kind) in [
            (77, "v", "type: nat, inbound: routed"), (66, "i", "type: internal"),
            (55, "o", "type: nat, inbound: routed"),
        ] {
            text += """
                apiVersion: bulkhead.dev/v1alpha1
                kind: Network
                metadata: {name: net-\(name)}
                spec: {\(kind), subnets: [{prefix: 10.\(number).0.0/24}, {prefix: "fd00:\(number)::/64"}]}
                ---
                apiVersion: bulkhead.dev/v1alpha1
                kind: Endpoint
                metadata: {name: \(name), labels: {app: \(name)}}
                spec: {network: net-\(name), addresses: [10.\(number).0.10, "fd00:\(number)::10"]}
                ---

                """
        }
        return text
    }

    /// Asks again and again from one port over UDP, once over TCP; prints what was answered.
    static let client = """
        import socket, sys, time
        kind, address = sys.argv[1:3]
        family = socket.AF_INET6 if ':' in address else socket.AF_INET
        s = socket.socket(family, socket.SOCK_STREAM if kind == 'tcp' else socket.SOCK_DGRAM)
        s.settimeout(0.5 if kind == 'udp' else 8)
        answer = 'silent'
        for _ in range(14 if kind == 'udp' else 1):
            try:
                if kind == 'tcp': s.connect((address, 7000))
                else: s.sendto(b'?', (address, 7000))
                answer = s.recvfrom(100)[0].decode() and 'answered'
                break
            except OSError: time.sleep(0.1)
        print(address, kind, answer)
        """

    private final class Site {
        let web: PolicyHost
        let router: ScratchHost
        let segment: Segment

        init(_ segment: Segment) throws {
            self.segment = segment
            web = try PolicyHost([])
            try web.host.write("base.yaml", PassageTests.documents(segment))
            router = try ScratchHost()
            try router.connect(
                "eth0", ["10.88.0.1/24", "fd00:88::1/64"], to: web.host, "eth1",
                segment == .uplink ? ["10.88.0.2/24", "fd00:88::2/64"] : [])
            if segment != .uplink {
                try web.host.sh(
                    "ip link add br0 type bridge no_linklocal_learn 1; ip link set br0 up; ip link set eth1 master br0; "
                        + "ip addr add 10.88.0.2/24 dev br0; ip addr add fd00:88::2/64 dev br0 nodad; "
                        // Where a foreign bridge floods.
                        + "ip link add other up type veth peer name far; ip link set other master br0; ip link set far up"
                )
            }
            if segment == .foreign {
                try web.host.sh("sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1")
            }
            try router.sh("while ip -6 addr show | grep -q tentative; do sleep 0.05; done")
            try web.policies([("v-in", "appliesTo: {endpoints: {matchLabels: {app: v}}}\ningress: {default: deny}")])
            try web.apply()
            for (name, number) in [("v", 77), ("i", 66), ("o", 55)] {
                for address in ["10.\(number).0.10", "fd00:\(number)::10"] {
                    try web.serve(name, "serve-ends", address, "7000")
                }
            }
            try router.sh("ip route add 10.0.0.0/8 via 10.88.0.2; ip route add fd00::/16 via fd00:88::2")
            if segment != .foreign {
                try web.host.sh(
                    "ip -n m route add 10.0.0.0/8 via 10.88.0.2; ip -n m route add fd00::/16 via fd00:88::2")
            }
        }

        /// What answers a sender whose first packets go to a MAC of nobody, and the next ones to the host's.
        func answers(to sender: String, _ addresses: [String]) throws -> Set<String> {
            let host = sender == "router" ? router : web.host
            let inside = sender == "router" ? [] : ["ip", "netns", "exec", sender]
            let mac = try web.host.sh("cat /sys/class/net/\(segment.bridge)/address")
                .trimmingCharacters(in: .whitespacesAndNewlines)
            func name(_ mac: String) throws {
                let place = sender == "router" ? "" : "-n \(sender) "
                for address in ["10.88.0.2", "fd00:88::2"] {
                    try host.sh("ip \(place)neighbour replace \(address) lladdr \(mac) dev eth0 nud permanent")
                }
            }
            try name("02:de:ad:00:00:77")
            let clients = try addresses.flatMap { address in
                try ["tcp", "udp"].map { kind in
                    try host.start(inside + ["python3", "-c", PassageTests.client, kind, address])
                }
            }
            usleep(900_000)
            try name(mac)
            let said = try clients.map { try $0.finish().output.trimmingCharacters(in: .whitespacesAndNewlines) }
            #expect(said.count == addresses.count * 2)
            return Set(said.filter { !$0.hasSuffix("silent") })
        }
    }

    @Test(arguments: Segment.allCases) func whatABridgeFloodsOpensNoOtherWay(_ segment: Segment) throws {
        let site = try Site(segment)
        let targets = [66, 77, 55].flatMap { ["10.\($0).0.10", "fd00:\($0)::10"] }
        let own = ["10.88.0.2", "fd00:88::2", "10.77.0.1", "fd00:77::1"]
        let open = Set(["10.55.0.10", "fd00:55::10"].flatMap { ["\($0) tcp answered", "\($0) udp answered"] })
        // What is open answers all the same: the rig reaches it on this way.
        #expect(try site.answers(to: "router", targets) == open)
        guard segment != .foreign else { return }
        let servers = try own.map { address in
            let server = try site.web.host.start(["python3", PolicyHost.probe, "serve-ends", address, "7000"])
            server.waitForOutput()
            return server
        }
        defer { for server in servers { server.signal(SIGKILL) } }
        // `hostAccess: deny`; endpoints of a physical network are no peers of `net-v` and `net-i`.
        #expect(try site.answers(to: "m", targets + own) == [])
        // What the host lets in answers on this way, too.
        try site.web.host.write(
            "base.yaml", Self.documents(segment).replacing("  isolation: {hostAccess: deny}\n", with: ""))
        try site.web.apply()
        let near = Array(own.prefix(2))
        let answers = try site.answers(to: "m", near)
        #expect(answers == Set(near.flatMap { ["\($0) tcp answered", "\($0) udp answered"] }))
    }

    /// An answer to what the host, or another endpoint, never let through.
    @Test(arguments: Segment.allCases) func whatABridgeFloodsMakesNoAnswer(_ segment: Segment) throws {
        let site = try Site(segment)
        // The router says as anybody what a bridge floods; `i` answers it: to the LAN, and to the host.
        let flood = """
            import socket, sys
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.IPPROTO_IP, 15, 1)
            s.bind((sys.argv[1], 5000)); s.sendto(b'?', (sys.argv[2], 7001))
            """
        try site.router.sh(
            "ip neighbour replace 10.88.0.2 lladdr 02:de:ad:00:00:77 dev eth0 nud permanent; ip link set lo up; "
                + "ip address add 10.66.0.1/32 dev lo; ip address add 10.99.0.9/32 dev lo")
        try site.web.host.sh("ip route add 10.99.0.9 via 10.88.0.1")
        for source in ["10.99.0.9", "10.66.0.1"] {
            let result = try site.router.run(["python3", "-c", flood, source, "10.66.0.10"])
            #expect(result.status == 0, "\(result.errors)")
        }
        let known = try site.web.host.sh("cat /proc/net/nf_conntrack 2>/dev/null || conntrack -L 2>/dev/null")
        #expect(known.contains("src=10.99.0.9 dst=10.66.0.10"), "the bridge tracks what it floods: \(known)")
        func heard(_ host: ScratchHost, _ address: String, within seconds: Int = 3) throws -> Bool {
            let wait =
                "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(\(seconds))\n"
                + "s.bind(('\(address)', 5000)); print('ready', flush=True)\n"
                + "try: print(s.recv(99).decode())\nexcept OSError: print('nothing')"
            let waiting = try host.start(["python3", "-c", wait])
            waiting.waitForOutput()
            // Sent within the time of waiting, however slow the machine is.
            let answer =
                "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('10.66.0.10', 7001))\n"
                + "for _ in range(\(seconds * 10)): s.sendto(b'forged', ('\(address)', 5000)); time.sleep(0.1)"
            let sending = try site.web.host.start(["ip", "netns", "exec", "i", "python3", "-c", answer])
            defer { sending.signal(SIGKILL) }
            return try waiting.finish().output.contains("forged")
        }
        #expect(try !heard(site.router, "10.99.0.9"))
        try site.web.policies([
            ("v-in", "appliesTo: {endpoints: {matchLabels: {app: v}}}\ningress: {default: deny}"),
            ("i-out", "appliesTo: {endpoints: {matchLabels: {app: i}}}\negress: {default: deny}"),
        ])
        try site.web.apply()
        _ = try site.router.run(["python3", "-c", flood, "10.66.0.1", "10.66.0.10"])
        #expect(try !heard(site.web.host, "10.66.0.1"))
        // Without the policy it gets there.
        try site.web.policies([])
        try site.web.apply()
        #expect(try heard(site.web.host, "10.66.0.1", within: 60))
    }

    /// A network of endpoints that do not meet: two without addresses, one that may use any.
    private static func secluded() -> String {
        var text = """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: lan}
            spec:
              type: transparent
              uplink: {interface: eth1}
              subnets: [{prefix: 10.88.0.0/24, gateway: 10.88.0.1}, {prefix: "fd00:88::/64", gateway: "fd00:88::1"}]
              isolation: {intraNetwork: deny}
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: forwards}
            spec: {type: nat, subnets: [{prefix: 10.77.0.0/24}, {prefix: "fd00:77::/64"}]}

            """
        let cards = [
            ("m", "addresses: [10.88.0.12, \"fd00:88::12\"]"), ("a", "addresses: [10.88.0.10]"),
            ("g", "addresses: []"), ("h", "addresses: []"), ("free", "addresses: [10.88.0.13], antiSpoof: false"),
        ]
        for (name, own) in cards {
            text += """
                ---
                apiVersion: bulkhead.dev/v1alpha1
                kind: Endpoint
                metadata: {name: \(name), labels: {app: \(name)}}
                spec: {network: lan, \(own)}

                """
        }
        return text
    }

    /// `intraNetwork: deny` for an endpoint of which no manifest knows an address.
    @Test func noSiblingReachesOneWithoutAddresses() throws {
        let web = try PolicyHost([])
        let router = try ScratchHost()
        try router.connect(
            "eth0", ["10.88.0.1/24", "fd00:88::1/64"], to: web.host, "eth1", ["10.88.0.2/24", "fd00:88::2/64"])
        try web.host.write("base.yaml", Self.secluded())
        // A policy on the network: frames between ports are no longer dropped whatever they hold.
        try web.policies([("a-in", "appliesTo: {endpoints: {matchLabels: {app: a}}}\ningress: {default: allow}")])
        try web.apply()
        try web.host.sh(
            "ip -n g addr add 10.88.0.50/24 dev eth0; ip -n g addr add fd00:88::50/64 dev eth0 nodad; "
                + "ip -n h addr add 10.88.0.51/24 dev eth0; ip -n h addr add fd00:88::51/64 dev eth0 nodad")
        try web.host.sh("ip -n free addr add 10.88.0.52/24 dev eth0; ip -n free addr add fd00:88::52/64 dev eth0 nodad")
        let targets = ["10.88.0.50", "fd00:88::50"]
        for address in targets { try web.serve("g", "serve-ends", address, "7000") }
        let others = ["10.88.0.52", "fd00:88::52"]
        for address in others { try web.serve("free", "serve-ends", address, "7000") }
        func mac(_ place: String, _ link: String) throws -> String {
            try web.host.sh("\(place)cat /sys/class/net/\(link)/address").trimmingCharacters(
                in: .whitespacesAndNewlines)
        }
        func silent(_ sender: String, _ targets: [String], by last: String) throws {
            func name(_ mac: String) throws {
                for address in targets {
                    try web.host.sh("ip -n \(sender) neighbour replace \(address) lladdr \(mac) dev eth0 nud permanent")
                }
            }
            try name("02:de:ad:00:00:77")
            let clients = try targets.flatMap { address in
                try ["tcp", "udp"].map { kind in
                    try web.host.start(["ip", "netns", "exec", sender, "python3", "-c", Self.client, kind, address])
                }
            }
            usleep(900_000)
            try name(last)
            for client in clients {
                #expect(try client.finish().output.contains("silent"), "from \(sender) by \(last)")
            }
        }
        for sender in ["m", "h"] {
            for place in ["ip netns exec g ", ""] {
                try silent(sender, targets, by: mac(place, place.isEmpty ? "bh-lan" : "eth0"))
            }
        }
        try silent("m", others, by: mac("ip netns exec free ", "eth0"))
        // The LAN gets there: the rig reaches what there is to reach.
        let control = try router.run(["python3", PolicyHost.probe, "udp", "10.88.0.50", "7000", "60"])
        #expect(control.output.contains("10.88.0.1"), "\(control)")
    }
}
