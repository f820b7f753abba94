import Foundation
import TestSupport
import Testing

/// `bandwidth`: what an endpoint sends and receives is limited, whatever root in its compartment does.
@Suite struct BandwidthTests {
    private static func manifest(_ bandwidth: String, _ sysctls: String = "") -> String {
        """
        \(PolicyHost.web)
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Compartment
        metadata: {name: b}
        spec: {sysctls: {\(sysctls)}}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: a}
        spec: {network: web, addresses: [10.88.0.10, "fd00:88::10"]\(bandwidth.isEmpty ? "" : ", bandwidth: {\(bandwidth)}")}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: b}
        spec: {network: web, addresses: [10.88.0.11, "fd00:88::11"]}
        """
    }

    private func site(_ bandwidth: String) throws -> PolicyHost {
        let site = try PolicyHost(documents: [Self.manifest(bandwidth)])
        try site.apply()
        return site
    }

    /// Sends 2 MB by TCP from one endpoint to another; the result is the rate in Mbit/s that the receiver saw.
    private func rate(_ host: ScratchHost, from sender: String, to receiver: String, _ address: String) throws -> Double
    {
        let server = """
            import socket,sys,time
            s=socket.create_server((sys.argv[1],7000),family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
            print("ready",flush=True)
            c,_=s.accept(); n=len(c.recv(1)); t=time.monotonic()
            while True:
                d=c.recv(65536)
                if not d: break
                n+=len(d)
            print(n*8e-6/(time.monotonic()-t))
            """
        let client = """
            import socket,sys
            c=socket.create_connection((sys.argv[1],7000)); c.sendall(bytes(2000000)); c.close()
            """
        let listening = try host.start(["ip", "netns", "exec", receiver, "python3", "-c", server, address])
        listening.waitForOutput()
        let sent = try host.run(["ip", "netns", "exec", sender, "python3", "-c", client, address])
        #expect(sent.status == 0, "\(sent.errors)")
        let text = try listening.finish().output.split(separator: "\n").last ?? ""
        return try #require(Double(text))
    }

    /// The same until it is above a rate: a busy machine makes it less, and never more.
    private func rate(
        above least: Double, _ host: ScratchHost, from sender: String, to receiver: String, _ address: String
    ) throws -> [Double] {
        var rates: [Double] = []
        for _ in 0..<20 where (rates.max() ?? 0) <= least {
            rates.append(try rate(host, from: sender, to: receiver, address))
        }
        return rates
    }

    /// No more than the rate, but for the burst.
    @Test func bothWaysAreLimited() throws {
        let site = try site("egress: 8Mbit, ingress: 16Mbit, burst: 16KiB")
        // Whoever is root in the compartment has no hold on it.
        try site.host.sh("ip netns exec a tc qdisc del dev eth0 root || true")
        for (address, other) in [("10.88.0.10", "10.88.0.11"), ("fd00:88::10", "fd00:88::11")] {
            let sent = try rate(above: 1, site.host, from: "a", to: "b", other)
            #expect(sent.contains { $0 > 1 } && sent.allSatisfy { $0 < 8.8 }, "sent \(sent)")
            // More than the other way.
            let received = try rate(above: 8.8, site.host, from: "b", to: "a", address)
            #expect(received.contains { $0 > 8.8 } && received.allSatisfy { $0 < 17.6 }, "received \(received)")
        }
        try site.host.write("base.yaml", Self.manifest(""))
        try site.apply()
        let free = try rate(above: 40, site.host, from: "a", to: "b", "10.88.0.11")
        #expect(free.contains { $0 > 40 }, "\(free)")
    }

    /// By hand, and what is on the wire again afterwards.
    @Test(arguments: [
        "tc qdisc replace dev bw-a root tbf rate 50mbit burst 100kb latency 10ms", "tc qdisc del dev bw-a root",
        "tc qdisc replace dev ep-a root tbf rate 16mbit burst 64kb latency 10ms", "tc qdisc del dev ep-a root",
        "tc qdisc replace dev bw-a root pfifo", "tc filter del dev ep-a parent ffff:", "tc qdisc del dev ep-a ingress",
        "tc qdisc del dev ep-a ingress; tc qdisc add dev ep-a clsact",
        "tc filter add dev ep-a parent ffff: prio 9 protocol ip u32 match u32 0 0 action mirred egress redirect dev lo",
        "ip link del bw-a", "ip link set bw-a down", "ip link set bw-a alias x", "ip link set bw-a mtu 1400",
    ])
    func driftIsRepaired(_ change: String) throws {
        let site = try site("egress: 8Mbit, ingress: 16Mbit")
        let before = try HostDump(site.host)
        try site.host.sh(change)
        let drift = try site.host.bulkhead("drift", "manifests")
        #expect(drift.status == 2, "\(change): \(drift.output)")
        if change.contains("alias") { return }
        try site.apply()
        let differences = try HostDump(site.host).differences(from: before)
        #expect(differences == [], "\(differences)")
        #expect(try site.host.sh("tc qdisc show dev bw-a").contains("rate 8Mbit"))
        #expect(try site.host.sh("tc qdisc show dev ep-a").contains("rate 16Mbit"))
        #expect(try site.host.sh("tc filter show dev ep-a parent ffff:").contains("Redirect to device bw-a"))
    }

    @Test(arguments: [
        ("", "egress: 8Mbit, ingress: 16Mbit"), ("egress: 8Mbit, ingress: 16Mbit", ""),
        ("egress: 8Mbit", "ingress: 8Mbit"),
        ("egress: 8Mbit", "egress: 9Mbit, burst: 32KiB"), ("ingress: 8Mbit", "ingress: 80Gbit"),
    ])
    func itIsChangedAndUndone(_ old: String, _ new: String) throws {
        let site = try site(old)
        let before = try HostDump(site.host)
        let index = try site.host.sh("ip -o link show ep-a | cut -d: -f1")
        try site.host.write("base.yaml", Self.manifest(new, "net.ipv4.ip_default_ttl: '077'"))
        let refused = try site.host.bulkhead("apply", "manifests", "--yes")
        #expect(refused.status == 1, "\(refused.errors)")
        #expect(refused.errors.hasSuffix("Everything was undone: the host is as it was before.\n"), "\(refused.errors)")
        #expect(try HostDump(site.host).differences(from: before) == [])
        try site.host.write("base.yaml", Self.manifest(new))
        try site.apply()
        #expect(try site.host.sh("ip -o link show ep-a | cut -d: -f1") == index)
        try site.host.write("base.yaml", Self.manifest(old))
        try site.apply()
        #expect(try HostDump(site.host).differences(from: before) == [])
    }

    @Test func itGoesWithTheEndpoint() throws {
        let host = try ScratchHost()
        let empty = try HostDump(host)
        try host.write("base.yaml", Self.manifest("egress: 8Mbit, ingress: 16Mbit"))
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
        #expect(try host.bulkhead("show", "endpoint/a").output.contains("ep-a"))
        let manifest = Self.manifest("").replacing(/---[^-]*name: a}[^-]*---/, with: "---")
        #expect(!manifest.contains("name: a}"))
        try host.write("base.yaml", manifest)
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
        #expect(try host.run(["ip", "link", "show", "ep-a"]).status == 1)
        #expect(try host.run(["ip", "link", "show", "bw-a"]).status == 1)
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        #expect(try HostDump(host).differences(from: empty) == [])
    }
}
