import Foundation
import TestSupport
import Testing

/// The same attacks on a segment that others share: a compartment with every capability on a network of type
/// `transparent`, against its siblings, the host and a router on the LAN; and a machine on the LAN against endpoints.
@Suite struct PhysicalAttackTests {
    enum Way: String, CaseIterable, CustomTestStringConvertible {
        case uplink = "uplink: {interface: eth1}"
        case existing = "bridge: {existing: br0}"
        var testDescription: String { rawValue }
        /// The host's side of the segment.
        var bridge: String { self == .uplink ? "bh-web" : "br0" }
    }

    /// A host at 10.88.0.2, the router of the LAN at 10.88.0.1, and `a`, `b` and `m` between them.
    private struct Site {
        let web: PolicyHost
        let router: ScratchHost
        let rig: AttackRig
        let way: Way

        init(_ way: Way, addresses: Bool = true) throws {
            let text = AttackRig.documents("type: transparent, \(way.rawValue)", addresses: addresses)
            web = try PolicyHost([])
            try web.host.write("base.yaml", text)
            router = try ScratchHost()
            try router.connect(
                "eth0", ["10.88.0.1/24", "fd00:88::1/64"], to: web.host, "eth1",
                way == .uplink ? ["10.88.0.2/24", "fd00:88::2/64"] : [])
            if way == .existing {
                try web.host.sh(
                    "ip link add br0 type bridge no_linklocal_learn 1; ip link set br0 up; ip link set eth1 master br0; "
                        + "ip addr add 10.88.0.2/24 dev br0; ip addr add fd00:88::2/64 dev br0 nodad")
            }
            try router.sh("while ip -6 addr show | grep -q tentative; do sleep 0.05; done")
            try web.policies([])
            try web.apply()
            rig = AttackRig(web)
            self.way = way
        }

        func mac(_ host: ScratchHost, _ link: String) throws -> String {
            try host.sh("cat /sys/class/net/\(link)/address").trimmingCharacters(in: .whitespacesAndNewlines)
        }

        /// The gateway is the router of the LAN.
        func people() throws -> [String: Any] {
            var people = try rig.people(bridge: way.bridge)
            let gateway = try mac(router, "eth0")
            people["gateway"] = gateway
            people["gatewayLocal"] = AttackRig.linkLocal(gateway)
            return people
        }

        /// Sends from `m`; what passed of that which may not, and what did not of the controls, as a sibling, the host and
        /// the router see it.
        func wrongs(_ kind: String) throws -> [String] {
            try rig.wrongs(rig.craft(kind, people()), bridge: way.bridge, outside: ("router", router))
        }
    }

    @Test(arguments: Way.allCases) func forgedAddressesReachNobody(_ way: Way) throws {
        let site = try Site(way)
        for kind in ["spoofing", "discovery", "dhcp", "frames"] {
            let wrongs = try site.wrongs(kind)
            #expect(wrongs == [], "\(kind)")
        }
    }

    @Test(arguments: Way.allCases) func whoHasNoAddressTakesNobodys(_ way: Way) throws {
        let wrongs = try Site(way, addresses: false).wrongs("impersonation")
        #expect(wrongs == [])
    }

    /// To the host by the MAC of the sender's own port: nothing that it would not get by its own.
    @Test(arguments: Way.allCases) func noOtherMACLeadsPastPolicies(_ way: Way) throws {
        let site = try Site(way)
        try site.web.policies([("out", "appliesTo: {endpoints: {matchLabels: {app: m}}}\negress: {default: deny}")])
        try site.web.apply()
        var people = try site.people()
        people["port"] = try site.mac(site.web.host, "ep-m")
        people["hosts"] = ["10.88.0.2", "fd00:88::2"]
        let attacks = try site.rig.craft("port", people)
        func heard() throws -> Set<String> {
            let listener = try site.rig.listen(attacks, port: 7000)
            try site.rig.send(attacks)
            return try site.rig.names(attacks, listener)
        }
        #expect(try heard() == [])
        // The rig hears what there is to hear.
        try site.web.policies([])
        try site.web.apply()
        people["port"] = try site.mac(site.web.host, site.way.bridge)
        let plain = try site.rig.craft("port", people)
        let listener = try site.rig.listen(plain, port: 7000)
        try site.rig.send(plain)
        #expect(try site.rig.names(plain, listener).count == 2)
    }

    /// A bridge of our own is told not to learn from frames of link-local protocols; of somebody else's the plan says so.
    @Test(arguments: Way.allCases) func noFrameTellsTheBridgeOfAMACThatIsNotTheSenders(_ way: Way) throws {
        let site = try Site(way)
        let victim = try site.mac(site.router, "eth0")
        func stolen() throws -> [String] {
            var people = try site.people()
            people["victim"] = victim
            let attacks = try site.rig.craft("learn", people)
            _ = try site.rig.seen(attacks, watch: "lo", in: nil)
            return try site.web.host.sh("bridge fdb show br \(way.bridge)").split(separator: "\n").map(String.init)
                .filter { $0.contains("dev ep-m") && ($0.hasPrefix(victim) || $0.hasPrefix("02:de:ad")) }
        }
        #expect(try stolen() == [])
        try site.web.host.sh("ip link set \(way.bridge) type bridge no_linklocal_learn 0")
        #expect(try stolen() != [])
        let plan = try site.web.host.bulkhead("plan", "manifests")
        switch way {
        case .uplink: #expect(plan.output.contains("no_linklocal_learn 0 → "), "\(plan.output)")
        case .existing:
            #expect(
                plan.output.contains(
                    "warning: Network/web: br0 learns MACs from frames of link-local protocols before any rule sees them, so that whoever may send raw frames in an endpoint can draw to it what is sent to others there; switch it off with `ip link set br0 type bridge no_linklocal_learn 1`"
                ), "\(plan.output)\(plan.errors)")
        }
    }

    /// A machine on the LAN uses MAC and addresses of an endpoint: towards its siblings, and the host.
    @Test(arguments: Way.allCases) func nobodyOnTheLANIsTakenForAnEndpoint(_ way: Way) throws {
        let site = try Site(way)
        try site.web.policies([
            (
                "in",
                "appliesTo: {endpoints: {matchLabels: {app: a}}}\ningress: {default: deny, rules: [{action: allow, from: [{endpoints: {matchLabels: {app: b}}}]}]}"
            )
        ])
        try site.web.apply()
        var people = try site.people()
        // From the router's card: as the sibling whom the policy lets in, by its addresses and with its MAC.
        let router = try site.mac(site.router, "eth0")
        for (key, value) in [("own4", people["sibling4"]), ("own6", people["sibling6"])] { people[key] = value }
        for own in [router, people["sibling"] as? String ?? "?"] {
            people["own"] = own
            people["ownLocal"] = AttackRig.linkLocal(own)
            let attacks = try site.rig.craft("spoofing", people).filter { $0.name.hasPrefix("control udp") }
            let watcher = try site.rig.watch(attacks, "eth0", in: "a")
            try AttackRig(site.router).send(attacks, from: nil)
            #expect(try site.rig.names(attacks, watcher) == [], "\(own)")
        }
        people = try site.people()
        let attacks = try site.rig.craft("spoofing", people).filter { $0.name.hasPrefix("control udp") }
        // The sibling itself gets through: the rig sees what there is to see.
        var sibling = people
        for role in ["", "4", "6", "Local"] { sibling["own\(role)"] = people["sibling\(role)"] }
        let controls = try site.rig.craft("spoofing", sibling).filter { $0.name.hasPrefix("control udp") }
        #expect(try site.rig.seen(controls, from: "b", watch: "eth0", in: "a").count == 2)
        #expect(try site.rig.seen(attacks, from: "m", watch: "eth0", in: "a") == [])
    }
}
