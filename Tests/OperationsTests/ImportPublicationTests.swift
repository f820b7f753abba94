import Foundation
import TestSupport
import Testing

/// Rules by hand that publish ports, and what `import` makes of them on a bridge that is handed over.
@Suite struct ImportPublicationTests {
    /// An endpoint-to-be with both families, and rules in tables of their own.
    private func host(_ rules: [(table: String, rule: String)]) throws -> ScratchHost {
        let host = try ScratchHost()
        let chain = "type nat hook prerouting priority -100;"
        try host.sh(
            """
            ip link add bh-net type bridge; ip link set bh-net up
            ip address add 10.9.0.1/24 dev bh-net; ip address add fd00:9::1/64 dev bh-net nodad
            ip netns add web; ip link add v1 type veth peer name eth0 netns web; ip link set v1 master bh-net up
            ip -n web link set lo up; ip -n web link set eth0 up
            ip -n web address add 10.9.0.11/24 dev eth0; ip -n web address add fd00:9::11/64 dev eth0 nodad
            ip -n web route add default via 10.9.0.1
            for f in ip ip6 inet; do nft "table $f mine { chain pre { \(chain) }; }"; done
            """)
        for (table, rule) in rules { try host.run(["nft", "add rule \(table) mine pre \(rule)"]) }
        return host
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let table: String
        let rule: String
        /// The port mapping; nil where the rule says more than one.
        let mapping: String?
        var testDescription: String { "\(table): \(rule)" }
    }

    private static let cases = [
        Case(
            table: "ip", rule: "tcp dport 8080 dnat to 10.9.0.11:80",
            mapping: "{protocol: tcp, hostPort: 8080, port: 80, hostAddress: 0.0.0.0}"),
        Case(
            table: "inet", rule: "ip daddr 192.0.2.1 udp dport 53 counter dnat ip to 10.9.0.11",
            mapping: "{protocol: udp, hostPort: 53, port: 53, hostAddress: 192.0.2.1}"),
        Case(
            table: "ip6", rule: "tcp dport 8443 dnat to [fd00:9::11]:443",
            mapping: "{protocol: tcp, hostPort: 8443, port: 443, hostAddress: \"::\"}"),
        Case(
            table: "ip", rule: "fib daddr type local iifname != \"bh-net\" tcp dport 8000-8010 dnat to 10.9.0.11",
            mapping: "{protocol: tcp, hostPort: \"8000-8010\", port: \"8000-8010\", hostAddress: 0.0.0.0}"),
        Case(
            table: "inet", rule: "meta nfproto ipv4 meta l4proto sctp th dport 9 dnat ip to 10.9.0.11:9",
            mapping: "{protocol: sctp, hostPort: 9, port: 9, hostAddress: 0.0.0.0}"),
        Case(table: "ip", rule: "iifname \"eth0\" tcp dport 8080 dnat to 10.9.0.11:80", mapping: nil),
        Case(table: "ip", rule: "tcp dport { 80, 443 } dnat to 10.9.0.11", mapping: nil),
        Case(table: "ip", rule: "ip saddr 192.0.2.0/24 tcp dport 80 dnat to 10.9.0.11", mapping: nil),
        Case(table: "ip", rule: "tcp dport 8000-8010 dnat to 10.9.0.11:80", mapping: nil),
        Case(table: "ip", rule: "tcp dport 80 limit rate 5/second dnat to 10.9.0.11", mapping: nil),
        Case(table: "ip", rule: "tcp dport 80 dnat to 10.9.0.11:80 random", mapping: nil),
        Case(table: "ip", rule: "tcp dport 80 redirect to :8080", mapping: nil),
        Case(table: "ip", rule: "dnat to 10.9.0.11", mapping: nil),
    ]

    @Test(arguments: cases) func aRuleBecomesAMappingOrIsSaid(_ test: Case) throws {
        let host = try host([(test.table, test.rule)])
        let result = try host.bulkhead("import")
        #expect(result.status == 0)
        let lines = result.output.split(separator: "\n").filter { $0.contains("protocol: ") }
        #expect(lines.map(String.init) == (test.mapping.map { ["    - \($0)"] } ?? []), "\(result.output)")
        let isSaid = result.errors.contains(
            "rule in table \(test.table) mine, chain pre: it says more than a manifest can")
        #expect(isSaid == (test.mapping == nil), "\(result.errors)")
        try host.write("imported.yaml", result.output)
        #expect(try host.bulkhead("validate", "manifests").status == 0)
    }

    /// By hand a port wins over whoever listens on it, and goes on doing so.
    @Test func aPortOnWhichSomethingListensIsPublishedAllTheSame() throws {
        let host = try host([("ip", "tcp dport 8080 dnat to 10.9.0.11:80")])
        let listener =
            "import socket, time; s = socket.create_server(('', 8080)); print('ready', flush=True); time.sleep(600)"
        let server = try host.start(["python3", "-c", listener])
        server.waitForOutput()
        defer { server.signal(SIGKILL) }
        let text = try host.bulkhead("import").output
        #expect(text.contains("port: 80, hostAddress: 0.0.0.0, allowShadow: true}"), "\(text)")
        try host.write("imported.yaml", text)
        let applied = try host.bulkhead(
            "apply", "--yes", "--adopt", "Network/net", "--adopt", "Endpoint/web", "manifests")
        #expect(applied.status == 0, "\(applied.errors)")
        #expect(try host.bulkhead("plan", "manifests", "--detailed-exitcode").status == 0)
    }

    /// The port of the session that somebody works in is published by nobody but by hand.
    @Test func thePortOfTheSessionIsNot() throws {
        let host = try host([("ip", "tcp dport 22 dnat to 10.9.0.11:22")])
        let text = try host.bulkhead("import", environment: ["SSH_CONNECTION": "10.9.0.1 4000 10.9.0.1 22"]).output
        #expect(!text.contains("portMappings"), "\(text)")
        #expect(text.contains("# Published by hand, and stays so (host port 22/tcp of Endpoint/web"), "\(text)")
    }
}
