import Foundation
import TestSupport
import Testing

/// Link-local addresses that do not follow from a card's MAC: an endpoint may choose its own, and policies know it by its
/// card.
@Suite struct LinkLocalTests {
    /// `b` has `fe80::b0b`, `m` has `fe80::bad` beside the usual ones.
    private func site(_ policies: [(String, String)]) throws -> PolicyHost {
        let web = try PolicyHost(["a", "b", "m"])
        try web.policies(policies)
        try web.apply()
        try web.host.sh(
            "ip -n b address add fe80::b0b/64 dev eth0 nodad; ip -n m address add fe80::bad/64 dev eth0 nodad; "
                + "for name in a b m; do while ip -n $name -6 address show dev eth0 | grep -q tentative; do sleep 0.05; done; done"
        )
        return web
    }

    private static func local(_ web: PolicyHost, _ name: String) throws -> String {
        let link = try web.host.sh("ip -n \(name) -o link show eth0")
        return AttackRig.linkLocal(String(link.components(separatedBy: "link/ether ").last?.prefix(17) ?? ""))
    }

    private static func ping(
        _ web: PolicyHost, _ name: String?, from source: String? = nil, to target: String, isExpected: Bool = true
    ) throws -> Bool {
        let card = name == nil ? "bh-web" : "eth0"
        return try web.host.ping(
            "\(target)%\(card)", from: name, source.map { ["-I", "\($0)%\(card)"] } ?? [], isExpected: isExpected)
    }

    private static func ingress(_ name: String, _ rest: String) -> (String, String) {
        ("\(name)-in", "appliesTo: {endpoints: {matchLabels: {app: \(name)}}}\ningress: {\(rest)}")
    }

    @Test func neighboursFindIt() throws {
        let web = try site([])
        let a = try Self.local(web, "a")
        #expect(try Self.ping(web, "b", from: "fe80::b0b", to: a))
        #expect(try Self.ping(web, "a", to: "fe80::b0b"))
        #expect(try Self.ping(web, nil, to: "fe80::b0b"))
        #expect(try Self.ping(web, "b", from: "fe80::b0b", to: Self.local(web, "m")))
        #expect(try Self.ping(web, "b", from: "fe80::b0b", to: "fe80::bad"))
        #expect(try Self.ping(web, "a", to: "fe80::bad"))
    }

    @Test func policiesKnowItByItsCard() throws {
        let web = try site([
            Self.ingress("a", "default: deny, rules: [{action: allow, from: [{endpoints: {matchLabels: {app: b}}}]}]"),
            Self.ingress("b", "default: deny, rules: [{action: allow, from: [{endpoints: {matchLabels: {app: a}}}]}]"),
        ])
        let a = try Self.local(web, "a")
        #expect(try Self.ping(web, "b", from: "fe80::b0b", to: a))
        #expect(try Self.ping(web, "a", to: "fe80::b0b"))
        #expect(try !Self.ping(web, "m", from: "fe80::bad", to: a, isExpected: false))
        #expect(try !Self.ping(web, "m", from: "fe80::bad", to: "fe80::b0b", isExpected: false))
        #expect(try !Self.ping(web, "m", to: "fe80::b0b", isExpected: false))
        // The host does not know the card yet when it decides; what is asked of it, it answers.
        #expect(try !Self.ping(web, nil, to: "fe80::b0b", isExpected: false))
        let gateway = AttackRig.linkLocal(try web.host.sh("cat /sys/class/net/bh-web/address"))
        #expect(try Self.ping(web, "b", from: "fe80::b0b", to: gateway))
    }

    @Test func egressHoldsForItToo() throws {
        let web = try site([
            (
                "m-out",
                """
                appliesTo: {endpoints: {matchLabels: {app: m}}}
                egress: {default: deny, rules: [{action: allow, to: [{endpoints: {matchLabels: {app: b}}}]}]}
                """
            ),
            (
                "a-out",
                """
                appliesTo: {endpoints: {matchLabels: {app: a}}}
                egress: {default: allow, rules: [{action: deny, to: [{endpoints: {matchLabels: {app: m}}}]}]}
                """
            ),
        ])
        let a = try Self.local(web, "a")
        #expect(try Self.ping(web, "m", from: "fe80::bad", to: "fe80::b0b"))
        #expect(try !Self.ping(web, "m", from: "fe80::bad", to: a, isExpected: false))
        #expect(try Self.ping(web, "a", to: "fe80::b0b"))
        #expect(try !Self.ping(web, "a", to: "fe80::bad", isExpected: false))
        let gateway = AttackRig.linkLocal(try web.host.sh("cat /sys/class/net/bh-web/address"))
        #expect(try !Self.ping(web, "m", from: "fe80::bad", to: gateway, isExpected: false))
    }

    /// What the first user of an address may, nobody else may in its name.
    @Test func itBelongsToWhoeverUsedItFirst() throws {
        let web = try site([
            Self.ingress("a", "default: deny, rules: [{action: allow, from: [{endpoints: {matchLabels: {app: b}}}]}]")
        ])
        let rig = AttackRig(web)
        let people = try rig.people(own: "b", sibling: "m")
        var first = people
        first["ownLocal"] = "fe80::b0b"
        let frames = try rig.craft("spoofing", first).filter { $0.name == "its own link-local address" }
        #expect(try rig.seen(frames, from: "b").count == 1)
        // The very same connection, from another card.
        var second = try rig.people()
        second["ownLocal"] = "fe80::b0b"
        let stolen = try rig.craft("spoofing", second).filter { $0.name == "its own link-local address" }
        #expect(try rig.seen(stolen).isEmpty)
        #expect(try rig.seen(stolen, watch: "bh-web", in: nil).isEmpty)
        #expect(try rig.seen(frames, from: "b").count == 1)
    }

    /// Connections that nothing denies live through changes of policies, and those that are denied do not.
    @Test func aConnectionIsCutOnlyIfItsOwnerMayNotHaveIt() throws {
        let open = Self.ingress("a", "default: allow")
        let web = try site([open])
        let a = try Self.local(web, "a")
        let servers = try ["80", "81"].map { port in
            try web.host.start(["ip", "netns", "exec", "a", "python3", PolicyHost.probe, "echo-tcp", "::", port])
        }
        defer { for server in servers { server.signal(SIGKILL) } }
        for server in servers { server.waitForOutput() }
        func talk(_ name: String, _ source: String, _ port: Int) throws -> RunningProcess {
            let connect =
                "import socket, sys; s = socket.socket(socket.AF_INET6); s.settimeout(60); "
                + "n = socket.if_nametoindex('eth0'); s.bind(('\(source)', 0, 0, n)); s.connect(('\(a)', \(port), 0, n)); "
                + "print('connected', flush=True)\n"
                + "for line in sys.stdin:\n    s.settimeout(2 if 'cut' in line else 60)\n"
                + "    try: s.sendall(b'x'); print('alive' if s.recv(1) else 'closed', flush=True)\n"
                + "    except OSError: print('cut', flush=True)"
            let client = try web.host.start(["ip", "netns", "exec", name, "python3", "-c", connect], hasInput: true)
            client.waitForOutput()
            return client
        }
        let spared = try talk("b", "fe80::b0b", 80)
        let denied = try talk("m", "fe80::bad", 81)
        defer { for client in [spared, denied] { client.signal(SIGKILL) } }
        #expect(try [spared, denied].map { try $0.ask("?") } == ["alive", "alive"])
        try web.policies([
            Self.ingress("a", "default: allow, rules: [{action: deny, from: [{endpoints: {matchLabels: {app: m}}}]}]")
        ])
        try web.apply()
        #expect(try spared.ask("?") == "alive")
        #expect(try denied.ask("cut") == "cut")
        // A change that is not about them.
        try web.policies([
            Self.ingress(
                "a",
                "default: allow, rules: [{action: deny, from: [{endpoints: {matchLabels: {app: m}}}]}, "
                    + "{action: deny, from: [{cidr: 10.88.0.99/32}]}]")
        ])
        try web.apply()
        #expect(try spared.ask("?") == "alive")
    }
}
