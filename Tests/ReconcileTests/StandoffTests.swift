import Foundation
import TestSupport
import Testing

/// What is in force and does not go with the host for now: what can be kept is kept, and comes back whole by itself.
@Suite struct StandoffTests {
    private static let adopted = """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Compartment
        metadata: {name: shop}
        spec: {namespace: {path: PATH}}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: shop}
        spec: {network: web}

        """

    /// A container stops, and its namespace goes; at boot none is there yet.
    @Test func anAdoptedNamespaceThatIsAwayKeepsNothingElseAway() throws {
        let site = try RoundHost()
        let path = "/run/netns/ext"
        try site.host.sh("ip netns add ext")
        try site.push(
            RoundHost.network, RoundHost.endpoint("a"), Self.adopted.replacingOccurrences(of: "PATH", with: path))
        #expect(try site.round().status == 0)
        #expect(try site.endpoints() == ["a", "shop"])
        try site.host.sh(
            "ip netns del ext; while ip link show ep-shop 2>/dev/null; do sleep 0.05; done; nft flush ruleset")
        let (status, document) = try site.document()
        #expect(status == 0)
        #expect(document["result"] as? String == "repaired", "\(document)")
        #expect(
            "\(document["warnings"] ?? "")".contains(
                "the namespace that Compartment/shop adopts is not there: nothing in it was compared"), "\(document)")
        #expect(try site.host.sh("nft list table inet bulkhead").contains("chain forward"))
        #expect(try site.round().output.contains("in sync with commit"))
        let drift = try site.host.bulkhead("drift", "work/net")
        #expect(drift.status == 2)
        #expect(
            drift.output
                == "  ? the namespace that Compartment/shop adopts is not there\n\nIn sync but for what could not be compared.\n"
        )
        // The machine starts again: everything else comes, and the rest when it is there.
        try site.host.sh("nft flush ruleset; ip link del bh-web; ip netns del a; ip link show ep-a 2>/dev/null || true")
        #expect(try site.round("--offline").status == 0)
        #expect(try site.endpoints() == ["a"])
        try site.host.sh("ip netns add ext")
        #expect(try site.round().status == 0)
        #expect(try site.endpoints() == ["a", "shop"])
        #expect(try site.host.bulkhead("drift", "work/net").status == 0)
    }

    /// Somebody whose turn it is to be told gets an error.
    @Test func whoeverAppliesIsTold() throws {
        let site = try RoundHost()
        let path = "/run/netns/ext"
        try site.write("net/all.yaml", RoundHost.network + Self.adopted.replacingOccurrences(of: "PATH", with: path))
        let result = try site.host.bulkhead("apply", "work/net", "--yes")
        #expect(result.status == 1)
        #expect(
            result.errors.hasPrefix(
                "work/net/all.yaml:8:18: error: Compartment/shop adopts the namespace \(path), which is not there; create it first, "
                    + "or leave `spec.namespace` out so that bulkhead makes one\n"), "\(result)")
    }

    /// At boot rules alone guard nobody, and would take a port of the host that somebody listens on by now.
    @Test func aPortThatIsSomebodysIsNotTaken() throws {
        let site = try RoundHost()
        try site.push(
            RoundHost.network,
            RoundHost.endpoint("a").replacingOccurrences(
                of: "{network: web}", with: "{network: web, portMappings: [{hostPort: 8080, port: 80}]}"))
        #expect(try site.round().status == 0)
        let listener = try site.host.start(
            [
                "python3", "-c",
                "import socket, sys; s = socket.create_server((\"\", 8080)); print(1, flush=True); sys.stdin.read()",
            ], hasInput: true)
        listener.waitForOutput()
        // Where they guard somebody, they come back without the port.
        for (damage, isGuarded) in [
            ("nft flush ruleset", true), ("ip link del bh-web; ip netns del a; nft flush ruleset", false),
        ] {
            try site.host.sh(damage)
            for _ in 1...2 {
                let round = try site.round()
                #expect(round.status == 1)
                #expect(round.output.contains("host port 8080/tcp of Endpoint/a shadows "), "\(round)")
                let rules = try site.host.sh("nft list ruleset")
                #expect(rules.contains("chain forward") == isGuarded && !rules.contains("8080"))
            }
        }
        _ = try listener.finish(input: "")
        #expect(try site.round().status == 0)
        #expect(try site.host.sh("nft list table inet bulkhead").contains("8080"))
    }

    /// An address of the host that lies in a network's prefix stands against the plan, and opens nothing.
    @Test func rulesComeBackWhateverStandsAgainstTheRest() throws {
        let site = try RoundHost()
        let commit = try site.push(RoundHost.network, RoundHost.endpoint("a"))
        #expect(try site.round().status == 0)
        try site.host.sh(
            "ip link add vpn type bridge; ip address add 10.88.0.77/25 dev vpn; ip link set vpn up; nft flush ruleset")
        let (status, document) = try site.document()
        #expect(status == 1)
        #expect(document["result"] as? String == "bad", "\(document)")
        #expect(document["enforced"] as? String == commit, "\(document)")
        #expect("\(document["errors"] ?? "")".contains("10.88.0.77"), "\(document)")
        #expect(try site.host.sh("nft list table inet bulkhead").contains("chain forward"))
        // Whoever watches over it gets to know.
        #expect(
            try site.host.bulkhead("show", "--output", "prometheus").output.contains(
                "bulkhead_in_sync{scope=\"default\"} 0\n"))
        // Where the rules are right there is nothing to do, and still it is said.
        let (again, second) = try site.document()
        #expect(again == 1 && second["summary"] is NSNull, "\(second)")
        // The verdict of then is none about now.
        try site.host.sh("ip link del vpn; ip link set bh-web mtu 1400; nft flush ruleset")
        let boot = try site.round("--offline")
        #expect(boot.status == 0, "\(boot)")
        #expect(
            boot.output.hasPrefix("reconcile default: repaired drift from commit \(commit.short) of main: "), "\(boot)")
        #expect(try site.host.sh("ip link show bh-web").contains("mtu 1500"))
        #expect(try site.round().output == "reconcile default: in sync with commit \(commit.short) of main\n")
    }
}
