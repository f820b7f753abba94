import Foundation
import TestSupport
import Testing

/// Macvlans on the kernel of Debian, which makes a link beside the one that it stands on and moves it then: a host whose
/// uplink is `eth0`, as the cards in compartments are.
@Suite struct OlderMacvlanTests {
    private static let script = """
        export BULKHEAD_STATE_DIR=/run/s BULKHEAD_NETNS_ETC_DIR=/run/e
        mkdir -p /run/s /run/e /run/m
        cd /run
        bulkhead=$1
        cp -r "$2/macvlan" m/
        ip netns add wall
        ip link add eth0 type veth peer name port netns wall
        ip link set eth0 up
        ip address add 192.0.2.1/24 dev eth0
        ip -n wall link set port up
        ip -n wall address add 192.0.2.254/24 dev port
        ip link add eth1 type veth peer name other
        ip link set eth1 up; ip link set other up
        say() { if "$@" > /run/log 2>&1; then echo yes; else echo no; fi; }
        ask() { echo "$1 $2 $(say ip netns exec $1 ping -c4 -i0.5 -W2 $2)"; }
        apply() {
            "$bulkhead" apply m --yes > /run/log 2>&1 || { cat /run/log; exit 1; }
            "$bulkhead" plan m --detailed-exitcode > /run/log 2>&1 || { cat /run/log; exit 1; }
        }
        look() { ip -o link; nft -s list ruleset; ip -o -4 address; }
        for link in eth0 eth1 other; do until ip -o link show $link | grep -q 'state UP'; do sleep 0.1; done; done
        look > /run/before
        apply
        ask scanner 192.0.2.254; ask wall 192.0.2.60; ask scanner 192.0.2.1; ask locker-1 10.30.0.12; ask kiosk 192.0.2.254
        for command in "ip -n scanner link delete eth0" "nft delete table netdev bulkhead"; do
            $command
            "$bulkhead" drift m > /run/log 2>&1 || echo "drift $?"
            apply
        done
        ask scanner 192.0.2.254
        "$bulkhead" destroy --all --yes > /run/log 2>&1 || { cat /run/log; exit 1; }
        look > /run/after
        diff /run/before /run/after
        """

    @Test(.enabled(if: Machine.isPossible, Machine.reason)) func theyAreMadeAndGo() throws {
        let result = try ScratchHost().run(
            Machine.command(["run", "bash", "-ec", Self.script, "bash", ScratchHost.binary, Machine.examples]))
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(
            result.output.split(separator: "\n").map(String.init) == [
                "scanner 192.0.2.254 yes", "wall 192.0.2.60 yes", "scanner 192.0.2.1 no", "locker-1 10.30.0.12 no",
                "kiosk 192.0.2.254 no", "drift 2", "drift 2", "scanner 192.0.2.254 yes",
            ], "\(result.output)")
    }
}
