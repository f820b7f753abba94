import Foundation
import TestSupport
import Testing

/// `show policy/NAME`: what the kernel has of a policy, with what it counted.
@Suite struct ShowPolicyTests {
    static let manifests =
        VerifyTests.document("Network", "web", "type: nat, subnets: [{prefix: 10.1.0.0/24}]")
        + VerifyTests.document("Endpoint", "a", "network: web, addresses: [10.1.0.10]")
        + VerifyTests.document("Endpoint", "b", "network: web, addresses: [10.1.0.11]")
        + VerifyTests.document(
            "Policy", "p",
            "appliesTo: {endpoints: {matchLabels: {app: b}}}, ingress: {default: deny, rules: [{name: ping, action: allow, protocols: [{protocol: icmp, types: [echo-request]}]}, {name: told, action: reject, protocols: [{protocol: tcp, ports: [80]}, {protocol: udp, ports: [80]}], log: {to: nflog, group: 7}}]}"
        )
        + VerifyTests.document(
            "Policy", "watch",
            "appliesTo: {networks: [web]}, mode: audit, ingress: {default: deny, rules: [{action: allow, protocols: [{protocol: tcp}]}]}"
        )

    @Test func showsRulesWithCountersAndLogPrefixes() throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Self.manifests)
        let applied = try host.bulkhead("apply", "manifests", "--yes")
        try #require(applied.status == 0, "\(applied.errors)")
        try host.sh("ip netns exec a ping -c 1 -W 5 10.1.0.11")
        _ = try host.run(["ip", "netns", "exec", "a", "timeout", "5", "bash", "-c", "exec 3<>/dev/tcp/10.1.0.11/80"])
        let shown = try host.bulkhead("show", "policy/p")
        #expect(
            shown.output == """
                policy     p
                mode       enforce
                enforced   on the host, by nftables: table inet for connections, those between ports of one bridge by way of br_netfilter; table bridge for groups and anti-spoofing
                endpoints  b

                RULE               VERDICT  PACKETS  BYTES  LOG PREFIX
                p/ingress/ping     allow    1        84     -
                p/ingress/told     reject   1        60     bh:reject:p/ingress/told
                p/ingress default  deny     0        0      -

                """)
        let json = try host.bulkhead("show", "Policy/watch", "--output", "json").output
        let found = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(found["mode"] as? String == "audit")
        #expect(found["endpoints"] as? [String] == ["a", "b"])
        let rules = try #require(found["rules"] as? [[String: Any]])
        #expect(rules.map { $0["verdict"] as? String } == ["leave", "would deny"])
        #expect(rules.map { $0["packets"] as? Int } == [0, 1])
        #expect(rules.map { $0["logPrefix"] as? String } == [nil, "bh:audit:watch/ingress default"])
    }

    /// An id is a hash where a log line has no place for the names; the report says whose it is.
    @Test func resolvesTheHashOfALongName() throws {
        let host = try ScratchHost()
        let (policy, rule) = (String(repeating: "p", count: 63), String(repeating: "r", count: 63))
        try host.write(
            "all.yaml",
            VerifyTests.document("Network", "web", "type: nat, subnets: [{prefix: 10.1.0.0/24}]")
                + VerifyTests.document("Endpoint", "b", "network: web, addresses: [10.1.0.11]")
                + VerifyTests.document(
                    "Policy", policy,
                    "appliesTo: {networks: [web]}, ingress: {default: deny, rules: [{name: \(rule), action: deny, protocols: [{protocol: tcp}], log: {to: nflog, group: 7}}]}"
                ))
        let applied = try host.bulkhead("apply", "manifests", "--yes")
        try #require(applied.status == 0, "\(applied.errors)")
        let shown = try host.bulkhead("show", "policy/\(policy)").output.split(separator: "\n").map(String.init)
        let line = try #require(shown.first { $0.hasPrefix("#") })
        let words = line.split(separator: " ").map(String.init)
        #expect(words.count == 6 && words[1] == rule, "\(line)")
        #expect(words.last == "bh:deny:\(words[0])", "\(line)")
        let json = try host.bulkhead("show", "policy/\(policy)", "--output", "json").output
        let found = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let rules = try #require(found["rules"] as? [[String: Any]])
        #expect(rules.map { $0["name"] as? String } == [rule, nil])
        #expect(rules.first?["id"] as? String == words[0])
    }

    /// A scratch host is never the first namespace of the machine.
    @Test func warnsOfAKernelLogThatTakesNoLines() throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Self.manifests.replacing("to: nflog, group: 7", with: "to: kernel"))
        let plan = try host.bulkhead("plan", "manifests")
        #expect(plan.status == 0)
        #expect(
            plan.output.contains(
                "manifests/all.yaml:19:173: warning: rule p/told: the kernel log takes lines of the machine's first network namespace only, and this is another one; log 'to: nflog', or set net.netfilter.nf_log_all_netns to 1 in the first\n"
            ), "\(plan.output)")
    }

    @Test func namesWhatIsNotThere() throws {
        let host = try ScratchHost()
        let result = try host.bulkhead("show", "policy/none")
        #expect(result.status == 1)
        #expect(result.errors == "bulkhead: scope default owns no policy 'none' on this machine\n")
    }
}
