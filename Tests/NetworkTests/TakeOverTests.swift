import Foundation
import TestSupport
import Testing

/// `apply --adopt`: what others made becomes bulkhead's where it is.
@Suite struct TakeOverTests {
    /// A bridge, and namespaces with a card on it whose MAC is the lowest of all, and so the bridge's.
    private func host(_ bridge: String, network: String, more: String = "") throws -> ScratchHost {
        let host = try ScratchHost()
        try host.sh(
            """
            ip link add \(bridge) type bridge; ip link set \(bridge) up
            ip address add 10.9.0.1/24 dev \(bridge); ip address add fd00:9::1/64 dev \(bridge) nodad
            for n in 1 2; do
              ip netns add n$n
              ip link add v$n address 02:00:00:00:01:0$n type veth peer name eth0 address 02:00:00:00:00:0$n netns n$n
              ip link set v$n master \(bridge) up; ip -n n$n link set lo up; ip -n n$n link set eth0 up
              ip -n n$n address add 10.9.0.1$n/24 dev eth0; ip -n n$n address add fd00:9::1$n/64 dev eth0 nodad
            done
            """)
        func endpoint(_ number: Int) -> String {
            """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Compartment
            metadata: {name: n\(number)}
            spec: {namespace: {path: /run/netns/n\(number)}}
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Endpoint
            metadata: {name: n\(number)}
            spec:
              {network: net, hostInterface: v\(number), mac: "02:00:00:00:00:0\(number)", addresses: [10.9.0.1\(number), "fd00:9::1\(number)"]\(number == 2 ? more : ""), defaultRoute: false}

            """
        }
        try host.write(
            "all.yaml",
            "apiVersion: bulkhead.dev/v1alpha1\nkind: Network\nmetadata: {name: net}\nspec: {\(network), "
                + "subnets: [{prefix: 10.9.0.0/24, gateway: 10.9.0.1}, {prefix: \"fd00:9::/64\", gateway: \"fd00:9::1\"}]}\n"
                + endpoint(1) + endpoint(2))
        return host
    }

    private func takeOver(_ host: ScratchHost, _ adopts: String...) throws {
        let options = adopts.flatMap { ["--adopt", $0] }
        let result = try host.run([ScratchHost.binary, "apply", "--yes", "manifests"] + options)
        #expect(result.status == 0, "\(result.errors)")
        #expect(try host.bulkhead("plan", "manifests", "--detailed-exitcode").status == 0)
    }

    /// With another MAC of its lowest port the bridge would have another, too, and nobody would find the host.
    @Test(arguments: [0, 1]) func aBridgeOfOthersStaysAsItIs(_ tree: Int) throws {
        let host = try host("br0", network: "type: transparent, bridge: {existing: br0}")
        // Set to learn and to listen, ports do not forward yet, and nobody may tell them to.
        try host.sh("ip link set br0 type bridge stp_state \(tree)")
        let look =
            "cat /sys/class/net/br0/address; cat /sys/class/net/br0/bridge/stp_state; ip -o address show br0 scope global"
        let before = try host.sh(look)
        #expect(before.hasPrefix("02:00:00:00:01:01\n"))
        try takeOver(host, "Endpoint/n1", "Endpoint/n2")
        #expect(try host.sh(look) == before)
    }

    @Test func neighboursAreToldOfABridgesNewMAC() throws {
        let host = try host("bh-net", network: "type: nat")
        for gateway in ["10.9.0.1", "fd00:9::1"] { try host.sh("ip netns exec n1 ping -c 1 -W 20 \(gateway)") }
        try takeOver(host, "Network/net", "Endpoint/n1", "Endpoint/n2")
        let mac = try host.sh("cat /sys/class/net/bh-net/address").prefix { $0 != "\n" }
        #expect(mac != "02:00:00:00:01:01")
        for gateway in ["10.9.0.1", "fd00:9::1"] {
            let known = try host.sh("ip -n n1 neighbour show \(gateway)")
            #expect(known.contains(mac), "\(known)")
        }
        let settings = "cd /proc/sys/net; cat ipv4/conf/bh-net/arp_notify ipv6/conf/bh-net/ndisc_notify"
        #expect(try host.sh(settings) == "0\n0\n")
    }

    /// Nobody has set its MTU, so it would follow the smallest one of its ports.
    @Test func aBridgeKeepsItsMTUBesideASmallerCard() throws {
        let host = try host("bh-net", network: "type: nat", more: ", mtu: 1400")
        try takeOver(host, "Network/net", "Endpoint/n1", "Endpoint/n2")
        #expect(try host.sh("ip link show bh-net").contains("mtu 1500"))
        #expect(try host.sh("ip link show v2").contains("mtu 1400"))
    }
}
