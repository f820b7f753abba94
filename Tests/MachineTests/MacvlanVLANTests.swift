import Foundation
import TestSupport
import Testing

/// `vlan` beside macvlans, on the kernel of Debian: that of this machine has none.
@Suite struct MacvlanVLANTests {
    private func run(_ script: String) throws -> ScratchHost.Result {
        try ScratchHost().run(
            Machine.command([
                "run", "bash", "-ec", VLANTests.setup + Self.tools + script, "bash", ScratchHost.binary,
                Machine.examples,
            ]))
    }

    private static let tools = """
        macvlan=', attachment: macvlan'
        # A frame from the wall, by its interface $1, to endpoint a: does it get in?
        enters() {
            mac=$(ip -n a -o link show eth0 | sed 's/.*ether \\([^ ]*\\).*/\\1/')
            ip -n wall address add 10.7.0.99/32 dev $1
            ip -n wall route add 10.7.0.10/32 dev $1 src 10.7.0.99
            ip -n wall neigh replace 10.7.0.10 lladdr $mac dev $1
            rm -f /run/log
            timeout 3 ip netns exec a tcpdump -lni eth0 -c 1 'icmp and src 10.7.0.99' > /run/entered 2> /run/log &
            local watcher=$!
            until grep -qs listening /run/log; do sleep 0.05; done
            ip netns exec wall ping -c2 -i0.2 -W1 10.7.0.10 > /run/ping 2>&1 || true
            wait $watcher || true
            echo "by $1 $(say grep ICMP /run/entered)"
            ip -n wall neigh del 10.7.0.10 dev $1
            ip -n wall route del 10.7.0.10/32 dev $1
            ip -n wall address del 10.7.0.99/32 dev $1
        }
        # Links by name: one that was made again has another number.
        state() { look | sed 's/^[0-9]*: //; s/@if[0-9]*:/:/' | sort > $1; for n in a b; do ip -n $n -d -o link; ip -n $n -4 -o address; done | sed 's/^[0-9]*: //; s/@if[0-9]*:/:/; s/valid_lft.*//' >> $1; }

        """

    /// Each is on its own VLAN and nowhere else, and the host is on none.
    @Test(.enabled(if: Machine.isPossible, Machine.reason)) func twoOnOneUplinkDoNotMeet() throws {
        let result = try run(
            """
            network red "$macvlan, vlan: {id: 7}" 10.7.0 a > m/red.yaml
            printf '%s\\n' --- 'apiVersion: bulkhead.dev/v1alpha1' 'kind: Endpoint' 'metadata: {name: a2}' \\
                'spec: {network: red, addresses: [10.7.0.11]}' >> m/red.yaml
            network blue "$macvlan, vlan: {id: 8}" 10.8.0 b > m/blue.yaml
            apply
            timeout 60 ip netns exec wall tcpdump -lnei port -c 1 'vlan 7 and icmp' 2> /dev/null > /run/seen &
            watcher=$!
            timeout 600 ip netns exec wall tcpdump -lnei port 'vlan 7 and vlan' 2> /dev/null > /run/double &
            doubles=$!
            sleep 1
            ask a 10.7.0.254; ask b 10.8.0.254; ask wall 10.7.0.10; ask a 10.7.0.11
            # Not by routes of their own either, and neither host nor endpoint reaches the other.
            ip -n a route add 10.8.0.0/24 dev eth0; ip -n a route add 192.0.2.0/24 dev eth0
            ask a 10.8.0.10; ask a 192.0.2.1
            ip route add 10.7.0.0/24 dev vl-red
            say ping -c1 -W2 10.7.0.254; say ping -c1 -W2 10.7.0.10
            ip route del 10.7.0.0/24 dev vl-red
            # Nobody on the VLAN reaches the host by it, as they do without a tag.
            ip -n wall route add 192.0.2.1/32 dev port.7
            ask wall 192.0.2.1
            ip -n wall route del 192.0.2.1/32 dev port.7
            ask wall 192.0.2.1
            # What has another tag or none does not get in.
            enters port.7; enters port.8; enters port
            # What an endpoint tags does not get out, nor what has an address that is not its own.
            ip -n a route del 10.8.0.0/24 dev eth0; ip -n a route del 192.0.2.0/24 dev eth0
            ip -n a link add link eth0 name tagged type vlan id 8
            ip -n a address add 10.8.0.99/24 dev tagged; ip -n a link set tagged up
            ask a 10.8.0.254
            ip -n a link del tagged
            ip -n a address add 10.7.0.77/24 dev eth0
            echo "forged $(say ip netns exec a ping -I 10.7.0.77 -c1 -W2 10.7.0.254)"
            ip -n a address del 10.7.0.77/24 dev eth0
            wait $watcher
            grep -o 'vlan 7' /run/seen | head -1
            kill $doubles || { echo "the capture ended early"; exit 1; }
            grep -c vlan /run/double || true
            # The interface itself carries a third.
            network plain "$macvlan" 192.0.2 c > m/plain.yaml
            apply
            ask c 192.0.2.254; ask c 192.0.2.1; ask a 10.7.0.254; ask c 10.7.0.10; ask wall 192.0.2.1
            "$bulkhead" show network/red | grep -E 'attachment|interface'
            "$bulkhead" destroy --all --yes > /run/log 2>&1 || { cat /run/log; exit 1; }
            look > /run/after
            diff /run/before /run/after
            """)
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(
            result.output.split(separator: "\n").map(String.init) == [
                "a 10.7.0.254 yes", "b 10.8.0.254 yes", "wall 10.7.0.10 yes", "a 10.7.0.11 yes", "a 10.8.0.10 no",
                "a 192.0.2.1 no", "no", "no", "wall 192.0.2.1 no", "wall 192.0.2.1 yes", "by port.7 yes",
                "by port.8 no", "by port no", "a 10.8.0.254 no", "forged no", "vlan 7", "0", "c 192.0.2.254 yes",
                "c 192.0.2.1 no", "a 10.7.0.254 yes", "c 10.7.0.10 no", "wall 192.0.2.1 yes",
                "attachment                macvlan", "interface                 vl-red",
            ], "\(result.output)\(result.errors)")
    }

    /// On a tunnel what goes to a sibling is on the wire with the tag, and comes back from there alone.
    @Test(.enabled(if: Machine.isPossible, Machine.reason)) func siblingsOfATunnelMeetOnTheWire() throws {
        let result = try run(
            """
            network red ", vlan: {id: 7}" 10.7.0 a | sed 's/type: transparent/type: l2tunnel/' > m/red.yaml
            printf '%s\\n' --- 'apiVersion: bulkhead.dev/v1alpha1' 'kind: Endpoint' 'metadata: {name: a2}' \\
                'spec: {network: red, addresses: [10.7.0.11]}' >> m/red.yaml
            apply
            timeout 60 ip netns exec wall tcpdump -lnei port -c 1 'vlan 7 and arp host 10.7.0.11' 2> /dev/null > /run/seen &
            watcher=$!
            sleep 1
            ask a 10.7.0.254; ask a 10.7.0.11
            wait $watcher
            grep -o 'vlan 7' /run/seen | head -1
            # A switch that sends frames back.
            ip -n wall link add sw type bridge
            ip -n wall link set port.7 master sw; ip -n wall link set sw up
            ip netns exec wall bridge link set dev port.7 hairpin on
            for name in a a2; do ip -n $name neigh flush all; done
            ask a 10.7.0.11
            "$bulkhead" destroy --all --yes > /run/log 2>&1 || { cat /run/log; exit 1; }
            look > /run/after
            diff /run/before /run/after
            """)
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(
            result.output.split(separator: "\n").map(String.init) == [
                "a 10.7.0.254 yes", "a 10.7.0.11 no", "vlan 7", "a 10.7.0.11 yes",
            ], "\(result.output)\(result.errors)")
    }

    @Test(.enabled(if: Machine.isPossible, Machine.reason)) func itIsRepairedChangedAndUndone() throws {
        let result = try run(
            """
            network red "$macvlan, vlan: {id: 7}" 10.7.0 a > m/red.yaml
            network blue "$macvlan, vlan: {id: 8}" 10.8.0 b > m/blue.yaml
            apply
            state /run/made
            for change in "ip link del vl-red" "ip link set vl-red down" "ip link set vl-red mtu 1400" \\
                "ip link del vl-red; ip link add link eth1 name vl-red type vlan id 9; ip link set vl-red alias bulkhead:default/Network/red" \\
                "ip -n a link del eth0" "nft delete table netdev bulkhead" "nft delete table inet bulkhead" \\
                "nft delete table arp bulkhead" "ip link set vl-red address 02:00:00:00:00:99"; do
                sh -c "$change"
                "$bulkhead" drift m > /run/log 2>&1 || echo "drift $?"
                apply
                ask a 10.7.0.254
                state /run/repaired
                diff /run/made /run/repaired
            done
            # They change places, which is undone, and done.
            sed -i 's/id: 7/id: 8/; s/10.7/10.8/' m/red.yaml
            sed -i 's/id: 8/id: 7/; s/10.8/10.7/' m/blue.yaml
            printf '%s\\n' --- 'apiVersion: bulkhead.dev/v1alpha1' 'kind: Compartment' 'metadata: {name: a}' \\
                'spec: {sysctls: {net.ipv4.ip_default_ttl: "077"}}' > m/bad.yaml
            "$bulkhead" apply m --yes > /run/log 2>&1 || tail -n 1 /run/log
            state /run/undone
            diff /run/made /run/undone
            ask a 10.7.0.254
            rm m/bad.yaml
            apply
            ask a 10.8.0.254; ask b 10.7.0.254
            # To a bridge on the VLAN, and back; without a number, and with one again.
            sed -i 's/, attachment: macvlan//' m/red.yaml
            apply
            ask a 10.8.0.254; ip -o link show master bh-red | cut -d: -f2 | cut -d@ -f1 | tr -d ' ' | sort | tr '\\n' ' '
            sed -i 's/eth1}, vlan/eth1}, attachment: macvlan, vlan/' m/red.yaml
            apply
            ask a 10.8.0.254
            # The number of one that goes.
            sed -i 's/id: 8/id: 7/; s/10.8/10.7/' m/red.yaml
            rm m/blue.yaml
            apply
            ask a 10.7.0.254
            sed -i 's/, vlan: {id: 7}//; s/10.7.0/192.0.2/' m/red.yaml
            apply
            ask a 192.0.2.254; ip -o link show type vlan | wc -l
            "$bulkhead" destroy --all --yes > /run/log 2>&1 || { cat /run/log; exit 1; }
            look > /run/after
            diff /run/before /run/after
            """)
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        let repaired = Array(repeating: ["drift 2", "a 10.7.0.254 yes"], count: 9).flatMap(\.self)
        #expect(
            result.output.split(separator: "\n").map(String.init) == repaired + [
                "Everything was undone: the host is as it was before.", "a 10.7.0.254 yes", "a 10.8.0.254 yes",
                "b 10.7.0.254 yes", "a 10.8.0.254 yes", "ep-a vl-red a 10.8.0.254 yes", "a 10.7.0.254 yes",
                "a 192.0.2.254 yes", "0",
            ], "\(result.output)\(result.errors)")
    }
}
