import Foundation
import TestSupport
import Testing

/// Several cards in one compartment, and namespaces of others.
@Suite struct CompartmentTests {
    private static let adoption = """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Compartment
        metadata: {name: pod}
        spec: {namespace: {path: /run/netns/other}}

        """

    @Test func severalCardsHaveTheirNamesAndOneDefaultRoute() throws {
        let pod = "compartment: pod, interface"
        let site = try PolicyHost(documents: [
            Document.network("web", 88), Document.network("db", 89, "type: internal"),
            Document.endpoint("p0", "web", 88, 20, "\(pod): eth0, defaultRoute: true"),
            Document.endpoint("p1", "web", 88, 21, "\(pod): eth1"),
            Document.endpoint("p2", "db", 89, 22, "\(pod): data0"),
            Document.endpoint("b", "web", 88, 10), Document.endpoint("c", "db", 89, 10),
        ])
        let lan = try site.neighbour()
        try site.apply()
        let links = try site.host.sh("ip -n pod -o link show type veth | sed 's/^[0-9]*: \\([^@]*\\)@.*/\\1/' | sort")
        #expect(links == "data0\neth0\neth1\n")
        for (family, gateway) in [("-4", "10.88.0.1"), ("-6", "fd00:88::1")] {
            let routes = try site.host.sh("ip -n pod \(family) route show default").split(separator: "\n")
            #expect(routes.count == 1)
            #expect(routes.first?.hasPrefix("default via \(gateway) dev eth0 ") == true, "\(routes)")
        }
        for (address, client) in [("10.88.0.20", "b"), ("fd00:88::20", "b"), ("10.89.0.22", "c"), ("fd00:89::22", "c")]
        {
            try site.serve("pod", "serve-tcp", address, "80")
            let own = address.hasPrefix("10.88") ? "10.88.0.10" : address.hasPrefix("10.89") ? "10.89.0.10" : nil
            let seen = try site.probe(client, "tcp", address, "80", "60")
            #expect(seen == own ?? (client == "b" ? "fd00:88::10" : "fd00:89::10"), "\(address)")
        }
        let outside = try lan.serve("serve-tcp", "192.0.2.9", "80")
        defer { outside.signal(SIGKILL) }
        #expect(try site.probe("pod", "tcp", "192.0.2.9", "80", "60") == "192.0.2.1")
        // It joins two networks, but does not connect them.
        try site.host.sh("ip -n b route add 10.89.0.0/24 via 10.88.0.20; ip -n c route add 10.88.0.0/24 via 10.89.0.22")
        #expect(try site.host.run(["ip", "netns", "exec", "b", "ping", "-c1", "-W1", "10.89.0.10"]).status != 0)
    }

    @Test(arguments: [
        (
            "compartment: pod, interface: eth0, defaultRoute: true",
            "compartment: pod, interface: eth1, defaultRoute: true"
        ),
        ("compartment: pod, interface: eth0", "compartment: pod, interface: eth0"),
        ("compartment: pod, interface: eth0", "compartment: pod"),
    ])
    func cardsThatDoNotGoTogetherAreRefused(_ one: String, _ other: String) throws {
        let site = try PolicyHost(documents: [
            Document.network("web", 88), Document.endpoint("p0", "web", 88, 20, one),
            Document.endpoint("p1", "web", 88, 21, other),
        ])
        let before = try HostDump(site.host)
        let result = try site.host.bulkhead("apply", "--yes", "manifests")
        #expect(result.status == 1)
        #expect(result.errors.contains("Endpoint/p0") || result.errors.contains("Endpoint/p1"), "\(result.errors)")
        #expect(try HostDump(site.host).differences(from: before) == [])
    }

    /// `up` gives the loopback an address that `down` does not take.
    @Test func anAdoptedNamespaceWhoseLoopbackWasDownIsAsBeforeWhereItFails() throws {
        let site = try PolicyHost(documents: [
            Document.network("web", 88), Self.adoption, Document.endpoint("a", "web", 88, 20, "compartment: pod"),
        ])
        try site.host.sh("ip netns add other")
        let before = try HostDump(site.host)
        let plan = try site.host.bulkhead("plan", "--output", "json", "manifests")
        let document = try JSONSerialization.jsonObject(with: Data(plan.output.utf8)) as? [String: Any]
        let last = try #require(document?["steps"] as? [Any]).count - 1
        let result = try site.host.bulkhead(
            "apply", "--yes", "manifests", environment: ["BULKHEAD_FAULT": "refuse:\(last)"])
        #expect(result.status == 1)
        // The id is the kernel's doing, which nobody can take back.
        let differences = try HostDump(site.host).differences(from: before).filter { $0 != "+ host ids other unmarked" }
        #expect(differences == [])
        try site.apply()
    }

    @Test func anAdoptedNamespaceKeepsWhatWasInside() throws {
        let site = try PolicyHost(documents: [
            Document.network("web", 88), Self.adoption, Document.endpoint("a", "web", 88, 20, "compartment: pod"),
            Document.endpoint("b", "web", 88, 10),
        ])
        try site.host.sh(
            "ip netns add other; ip -n other link set lo up; ip -n other link add mine type bridge;"
                + "ip -n other address add 172.16.0.1/24 dev mine; ip -n other link set mine up;"
                + "ip -n other route add 172.17.0.0/16 via 172.16.0.9;"
                + "ip netns exec other nft add table inet theirs")
        let before = try HostDump(site.host)
        try site.apply()
        try site.serve("other", "serve-tcp", "10.88.0.20", "80")
        #expect(try site.probe("b", "tcp", "10.88.0.20", "80", "60") == "10.88.0.10")
        let during = try HostDump(site.host)
        #expect(during.changedIdentities(from: before) == [])
        let gone = during.differences(from: before).filter {
            $0.hasPrefix("- other") && !$0.hasPrefix("- other sysctl")
        }
        #expect(gone == [])
        // The endpoint goes, the namespace stays; in the end all is as before.
        try site.declare([Document.network("web", 88), Document.endpoint("b", "web", 88, 10)])
        try site.apply()
        #expect(try HostDump(site.host).changedIdentities(from: before) == [])
        #expect(try site.host.bulkhead("destroy", "--all", "--yes").status == 0)
        let after = try HostDump(site.host)
        // The id is the kernel's doing, which nobody can take back.
        #expect(after.differences(from: before).filter { $0 != "+ host ids other unmarked" } == [])
        #expect(after.changedIdentities(from: before) == [])
    }
}
