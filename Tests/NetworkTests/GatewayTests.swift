import Foundation
import TestSupport
import Testing

/// Gateways of overlays on three hosts, with real packets and a look at the wire.
@Suite struct GatewayTests {
    @Test(arguments: [false, true]) func peersMeetAndNobodyElse(onIPv6: Bool) throws {
        let site = try GatewaySite(ipv6: onIPv6)
        let before = try HostDump(site.overlays.host("node-b"))
        try site.start()
        let overlays = site.overlays
        let datagrams = try overlays.wire {
            // On one host, and on another one; both ways.
            try site.expect(true, "ra", on: "node-a", 2, 20)
            try site.expect(true, "ra", on: "node-a", 2, 21)
            try site.expect(true, "bb", on: "node-b", 1, 10)
            try site.expect(true, "ba", on: "node-a", 3, 30)
            // Equal addresses of other peers, on the same hosts, at the same time.
            try site.expect(true, "oa", on: "node-a", 2, 21)
            try site.expect(true, "oa", on: "node-a", 2, 22)
            // What has no peer's address, or one that only the other pair has.
            try site.expect(false, "oa", on: "node-a", 2, 20)
            try site.expect(false, "ra", on: "node-a", 2, 22)
            // A peer of a peer is none.
            try site.expect(false, "ra", on: "node-a", 3, 30)
            try site.expect(false, "gb", on: "node-b", 1, 11)
            try site.expect(false, "ra", on: "node-a", 9, 9)
        }
        // Neither ARP nor neighbour discovery, and the gateways' own MACs as little.
        #expect(datagrams.allSatisfy { ["0800", "86dd"].contains($0.type) })
        #expect(datagrams.filter { $0.icmpv6.map { (133...137).contains($0) } ?? false } == [])
        let gateways = try ["red", "blue", "green", "other", "twin"].map {
            try overlays.host("node-a").sh("cat /sys/class/net/lo/address; ip -n router-\($0) -o link show gateway")
                .components(separatedBy: "link/ether ").last?.prefix(17) ?? ""
        }
        #expect(Set(gateways).count == 5)
        #expect(
            datagrams.filter {
                gateways.contains(Substring($0.inner_from)) || gateways.contains(Substring($0.inner_to))
            } == [])
        // Each leg of the way is in the network of the receiver.
        #expect(Set(datagrams.map(\.vni)) == [4001, 4002, 4003, 4004, 4005])

        let result = try overlays.host("node-b").bulkhead("destroy", "--all", "--yes", "--host", "node-b")
        #expect(result.status == 0, "\(result.errors)")
        #expect(try HostDump(overlays.host("node-b")).differences(from: before) == [])
    }

    @Test func streamsFlowAndErrorsComeBack() throws {
        let site = try GatewaySite()
        try site.start()
        let overlays = site.overlays
        for (address, own) in [("10.2.0.21", "10.1.0.10"), ("fd02::21", "fd01::10")] {
            let output = try site.stream(from: "ra", on: "node-a", to: "bb", on: "node-b", address)
            #expect(output == "\(own) 1000000\n")
        }
        let host = try overlays.host("node-a")
        // The gateway says that the way is too long, and that there is none.
        for (address, gateway) in [("10.2.0.21", "10.1.0.1"), ("fd02::21", "fd01::1")] {
            let result = try host.run(["ip", "netns", "exec", "ra", "ping", "-n", "-c1", "-W20", "-t1", address])
            #expect(result.output.contains("From \(gateway) icmp_seq=1 Time"), "\(result.output)")
        }
        for (address, gateway) in [("10.3.0.30", "10.1.0.1"), ("fd03::30", "fd01::1")] {
            let result = try host.run(["ip", "netns", "exec", "ra", "ping", "-n", "-c1", "-W20", address])
            #expect(result.output.lowercased().contains("from \(gateway) icmp_seq=1 destination"), "\(result.output)")
        }
        // A closed port of another host's endpoint is refused.
        for address in ["10.2.0.21", "fd02::21"] {
            let answer = try host.askClosedPort(of: address, from: "ra")
            #expect(answer.output == "refused\n", "\(address): \(answer.errors)")
        }
    }

    /// Path-MTU discovery: a peer on which frames are shorter.
    @Test func aShorterPeerIsFoundOut() throws {
        let site = try GatewaySite()
        try site.start(GatewaySite.networks(blue: "mtu: 1300") + GatewaySite.endpoints)
        let host = try site.overlays.host("node-a")
        for (address, gateway) in [("10.2.0.21", "10.1.0.1"), ("fd02::21", "fd01::1")] {
            let result = try host.run(
                ["ip", "netns", "exec", "ra", "ping", "-n", "-c1", "-W20", "-M", "do", "-s1300", address])
            #expect(result.output.contains("From \(gateway) icmp_seq=1"), "\(result.output)")
            #expect(result.output.contains("mtu") && result.output.contains("1300"), "\(result.output)")
            let output = try site.stream(from: "ra", on: "node-a", to: "bb", on: "node-b", address)
            #expect(output.hasSuffix(" 1000000\n"), "\(output)")
        }
    }

    /// One MAC on every host; nothing listens there, and no compartment is the gateway's.
    @Test func theGatewayIsTheSameEverywhere() throws {
        let site = try GatewaySite()
        try site.start()
        let overlays = site.overlays
        var macs: [Set<String>] = [[], []]
        for (endpoint, node) in [("ra", "node-a"), ("rb", "node-b")] {
            for (index, gateway) in ["10.1.0.1", "fd01::1"].enumerated() {
                try overlays.expectPing(false, endpoint, on: node, gateway)
                let entry = try overlays.host(node).sh("ip -n \(endpoint) neighbour show \(gateway)")
                macs[index].insert(String(entry.components(separatedBy: "lladdr ").last?.prefix(17) ?? ""))
            }
        }
        #expect(macs[0].count == 1 && macs[0] == macs[1], "\(macs)")
        let host = try overlays.host("node-a")
        let exec = try host.bulkhead("exec", "router-red", "--host", "node-a", "--", "true")
        #expect(exec.status == 125)
        #expect(exec.errors == "bulkhead: no compartment 'router-red' in scope default; there are ba, oa, ra\n")
        let show = try host.bulkhead("show", "compartment", "--host", "node-a")
        #expect(!show.output.contains("router"), "\(show.output)")
        let network = try host.bulkhead("show", "network/red", "--host", "node-a")
        #expect(network.output.contains("10.1.0.1/24") && network.output.contains("fd01::1/64"), "\(network.output)")
        // Who sends to addresses of nobody fills no table of the kernel: the router does not even ask.
        for address in ["10.1.0.99", "10.2.0.99", "fd02::99"] {
            try host.sh("ip -n ra route replace \(address) via \(address.contains(":") ? "fd01::1" : "10.1.0.1")")
            try overlays.expectPing(false, "ra", on: "node-a", address)
        }
        #expect(try !host.sh("ip -n router-red neighbour show").contains("99 dev "))
        // Of the host itself nothing is there.
        try host.sh("ip address add 10.2.0.77/32 dev lo")
        try overlays.expectPing(false, "ra", on: "node-a", "10.2.0.77")
        #expect(try host.run(["ping", "-n", "-c1", "-W1", "10.1.0.10"]).status != 0)
    }

    /// From one subnet of a network to another.
    @Test func subnetsOfOneNetworkMeet() throws {
        let site = try GatewaySite()
        let wide = """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: wide}
            spec:
              type: overlay
              vxlan: {vni: 4009}
              subnets:
                - {prefix: 10.1.0.0/24, gateway: 10.1.0.1}
                - {prefix: 10.2.0.0/24, gateway: 10.2.0.1}
                - {prefix: 10.3.0.0/24}
                - {prefix: "fd01::/64", gateway: "fd01::1"}
                - {prefix: "fd02::/64", gateway: "fd02::1"}

            """
        try site.start([
            wide, GatewaySite.endpoint("wa", "wide", "node-a", 1, 10),
            GatewaySite.endpoint("wb", "wide", "node-a", 2, 20), GatewaySite.endpoint("wc", "wide", "node-b", 2, 21),
            OverlaySite.endpoint("wd", "wide", "node-b", 9).replacingOccurrences(of: "[10.0.0.9]", with: "[10.3.0.9]"),
        ])
        try site.expect(true, "wa", on: "node-a", 2, 20)
        try site.expect(true, "wa", on: "node-a", 2, 21)
        try site.expect(true, "wc", on: "node-b", 1, 10)
        // One without gateway is reached by nobody in another.
        try site.overlays.expectPing(false, "wa", on: "node-a", "10.3.0.9")
        #expect(
            try site.stream(from: "wc", on: "node-b", to: "wa", on: "node-a", "10.1.0.10") == "10.2.0.21 1000000\n")
        let denied = wide.replacingOccurrences(of: "  vxlan:", with: "  isolation: {intraNetwork: deny}\n  vxlan:")
        try site.start([
            denied, GatewaySite.endpoint("wa", "wide", "node-a", 1, 10),
            GatewaySite.endpoint("wb", "wide", "node-a", 2, 20), GatewaySite.endpoint("wc", "wide", "node-b", 2, 21),
        ])
        try site.expect(false, "wa", on: "node-a", 2, 20)
        try site.expect(false, "wa", on: "node-a", 2, 21)
    }
}
