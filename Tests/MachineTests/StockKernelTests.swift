import Foundation
import TestSupport
import Testing

/// The program on Debian's own kernel, which has other features than the one of this machine.
///
/// `make test-kernel` runs whole suites of tests there; this is what every change is tried on.
@Suite struct StockKernelTests {
    private func run(_ script: String) throws -> ScratchHost.Result {
        let host = try ScratchHost()
        let start = "set -e; export BULKHEAD_STATE_DIR=/run/s BULKHEAD_NETNS_ETC_DIR=/run/e; mkdir /run/s /run/e\n"
        return try host.run(
            Machine.command(["run", "sh", "-c", start + script, "sh", ScratchHost.binary, Machine.examples]))
    }

    /// Made, in sync, with a hand's change repaired, and destroyed to nothing.
    @Test(.enabled(if: Machine.isPossible, Machine.reason)) func examplesAreMadeAndGo() throws {
        let result = try run(
            """
            cd "$2"
            ip link add eth1 type veth peer name wall
            ip link set eth1 up; ip link set wall up
            for link in eth1 wall; do until ip -o link show $link | grep -q 'state UP'; do sleep 0.1; done; done
            ip -o link > /run/before; nft list ruleset >> /run/before
            for example in quickstart policies virtual-machine vlan; do
                "$1" apply $example --yes > /run/log 2>&1 || { cat /run/log; exit 1; }
                "$1" plan $example --detailed-exitcode > /run/log 2>&1 || { cat /run/log; exit 1; }
                port=$(ip -o link show | sed -n 's/^[0-9]*: \\(ep-[^:@]*\\).*/\\1/p' | head -1)
                ip link set $port down mtu 1400
                "$1" apply $example --yes > /run/log 2>&1 || { cat /run/log; exit 1; }
                "$1" plan $example --detailed-exitcode > /run/log 2>&1 || { cat /run/log; exit 1; }
                "$1" destroy --all --yes > /run/log 2>&1 || { cat /run/log; exit 1; }
                echo "$example $port"
            done
            ip -o link > /run/after; nft list ruleset >> /run/after
            diff /run/before /run/after
            """)
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(
            result.output.split(separator: "\n").map { $0.prefix { $0 != " " } } == [
                "quickstart", "policies", "virtual-machine", "vlan",
            ], "\(result.output)")
    }

    /// Its bridges know VLANs, and have entries of ports for them, too.
    @Test(.enabled(if: Machine.isPossible, Machine.reason)) func overlaysAreMadeAndGo() throws {
        let result = try run(
            """
            cd "$2"
            ip link add eth0 type veth peer name wall
            ip address add 192.0.2.1/24 dev eth0
            ip link set eth0 up; ip link set wall up
            for example in overlay overlay-gateway; do
                "$1" apply $example --host node-a --yes > /run/log 2>&1 || { cat /run/log; exit 1; }
                "$1" plan $example --host node-a --detailed-exitcode > /run/log 2>&1 || { cat /run/log; exit 1; }
                tunnel=$(ip -o link show type vxlan | sed -n 's/^[0-9]*: \\(vx-[^:@]*\\).*/\\1/p' | head -1)
                for mac in $(bridge fdb show dev $tunnel | sed -n 's/ .* static$//p' | sort -u); do
                    bridge fdb delete $mac dev $tunnel master
                done
                "$1" apply $example --host node-a --yes > /run/log 2>&1 || { cat /run/log; exit 1; }
                "$1" plan $example --host node-a --detailed-exitcode > /run/log 2>&1 || { cat /run/log; exit 1; }
                "$1" destroy --all --yes > /run/log 2>&1 || { cat /run/log; exit 1; }
                echo "$example $tunnel"
            done
            """)
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(result.output == "overlay vx-blue\noverlay-gateway vx-guest\n", "\(result.output)")
    }

    /// A kernel without a feature is asked, and says so; nothing is written.
    @Test(.enabled(if: Machine.isPossible, Machine.reason)) func whatTheKernelLacksIsSaid() throws {
        let result = try run(
            """
            cd "$2"
            echo /bin/false > /proc/sys/kernel/modprobe
            set +e
            "$1" apply quickstart --yes 2>&1
            echo "status $?"
            "$1" doctor 2>&1 | grep nftables
            """)
        #expect(
            result.output.contains(
                "bulkhead: open nftables: this kernel has none (no netlink socket of netfilter): load its modules "
                    + "(`modprobe nf_tables`), or boot one with CONFIG_NF_TABLES\nstatus 1\n"),
            "\(result.output)\(result.errors)")
    }
}

/// The rig beside this file.
enum Machine {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    static let reason: Comment = "the rig is not prepared (`make machine`), or is not for this processor"
    #if arch(x86_64)
        static let isPossible: Bool = {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            process.arguments = [folder.appendingPathComponent("Tools/machine").path, "ready"]
            process.standardError = FileHandle.standardError
            guard (try? process.run()) != nil else { return false }
            process.waitUntilExit()
            return process.terminationStatus == 0
        }()
    #else
        static let isPossible = false
    #endif

    static func command(_ arguments: [String]) -> [String] {
        ["bash", folder.appendingPathComponent("Tools/machine").path] + arguments
    }

    static let examples = folder.deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("examples").path
}
