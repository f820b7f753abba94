import Foundation
import TestSupport
import Testing

/// Settings that a manifest gave a compartment, and gives no more.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct ForgottenSettingTests {
    private static let given = [
        "net.ipv4.ip_default_ttl: '77'", "net.ipv4.conf.all.rp_filter: '2'", "net.ipv4.conf.eth0.proxy_arp: '1'",
        "net.ipv4.ip_forward: '1'", "net.ipv6.conf.all.hop_limit: '33'", "net.ipv4.conf.lo.log_martians: '1'",
    ]

    private func declare(_ settings: [String], _ host: ScratchHost, other: Bool = false) throws {
        let sysctls = settings.isEmpty ? "{}" : "{sysctls: {\(settings.joined(separator: ", "))}}"
        try host.declare(
            Manifests.web, Manifests.endpoint("a", "addresses: [10.88.0.10]"),
            "apiVersion: bulkhead.dev/v1alpha1\nkind: Compartment\nmetadata: {name: a}\nspec: \(sysctls)",
            other ? Manifests.endpoint("b") : "")
    }

    private func values(_ host: ScratchHost) throws -> [String] {
        try Self.given.map { setting in
            let key = setting.prefix { $0 != ":" }
            return try host.sh("ip netns exec a sysctl -n \(key)").trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    @Test func theyGoBackToWhatANewOneHas() throws {
        let host = try ScratchHost()
        let empty = try HostDump(host)
        try declare([], host)
        #expect(try host.apply("--quiet").status == 0)
        let (fresh, before) = (try values(host), try HostDump(host))
        try declare(Self.given, host)
        #expect(try host.apply("--quiet").status == 0)
        #expect(try values(host) == ["77", "2", "1", "1", "33", "1"])
        let given = try HostDump(host)

        try declare(Array(Self.given[1...]), host)
        let plan = try host.bulkhead("plan", "manifests")
        #expect(plan.status == 0)
        #expect(
            plan.output.contains("~ namespace a: net/ipv4/ip_default_ttl 77 → \(fresh[0])  ("), "\(plan.output)")
        let drift = try host.bulkhead("plan", "manifests", "--output", "json")
        #expect(drift.output.contains("no manifest gives it any more"), "\(drift.output)")

        try declare([], host)
        #expect(try host.apply("--quiet").status == 0)
        #expect(try values(host) == fresh)
        #expect(try host.bulkhead("drift", "manifests").status == 0)
        // What is left is the file that noted them, and it notes nothing.
        let left = try HostDump(host).differences(from: before)
        #expect(left.allSatisfy { $0.contains(" .bulkhead") }, "\(left)")
        #expect(try host.sh("cat etc/.bulkhead/a").split(separator: "\n").allSatisfy { $0.hasPrefix("# ") })

        // By hand they may be what they like again.
        try host.sh("ip netns exec a sysctl -q net.ipv4.ip_default_ttl=78")
        #expect(try host.bulkhead("drift", "manifests").status == 0)
        try host.sh("ip netns exec a sysctl -q net.ipv4.ip_default_ttl=\(fresh[0])")

        try declare(Self.given, host)
        #expect(try host.apply("--quiet").status == 0)
        #expect(try HostDump(host).differences(from: given) == [])
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        #expect(try HostDump(host).differences(from: empty) == [])
    }

    @Test func undoneTheyAreWhatTheyWere() throws {
        let host = try ScratchHost()
        try declare(Self.given, host)
        #expect(try host.apply("--quiet").status == 0)
        let before = try HostDump(host)
        try declare([], host)
        #expect(try host.apply("--quiet", "--confirm-within", "10m").status == 0)
        #expect(try host.bulkhead("revert").status == 0)
        #expect(try HostDump(host).differences(from: before) == [])
        // Noted again, they are put back by the next apply.
        #expect(try host.apply("--quiet").status == 0)
        #expect(try values(host)[0] != "77")
    }

    /// The note names things that are no settings of a network, or somebody else wrote it.
    @Test func aNoteLeadsNowhereElse() throws {
        let host = try ScratchHost()
        try declare([Self.given[0]], host)
        #expect(try host.apply("--quiet").status == 0)
        let file = "etc/.bulkhead/a"
        for line in [
            "setting kernel/hostname", "setting net/../kernel/hostname", "setting net//x", "setting ", "other",
        ] {
            try host.sh("echo '\(line)' >> \(file)")
        }
        let hostname = try host.sh("cat /proc/sys/kernel/hostname")
        #expect(try host.apply("--quiet").status == 0)
        #expect(try host.sh("cat /proc/sys/kernel/hostname") == hostname)
        #expect(
            try host.sh("cat \(file)").split(separator: "\n").filter { !$0.hasPrefix("#") } == [
                "setting net/ipv4/ip_default_ttl"
            ])
    }

    @Test func whatCanOnlyBeWrittenIsNamed() throws {
        let host = try ScratchHost()
        try declare([], host)
        #expect(try host.apply("--quiet").status == 0)
        try declare(["net.ipv4.route.flush: '1'"], host)
        let result = try host.bulkhead("plan", "manifests")
        #expect(result.status == 1)
        #expect(
            result.errors.contains(
                "error: Compartment/a: this kernel has no setting net/ipv4/route/flush that can be read; take it out of "
                    + "`spec.sysctls`\n"), "\(result.errors)")
    }

    /// The kernel takes these in one order only, which is another one on the way back.
    @Test(arguments: [
        ["net.ipv4.ip_local_port_range: '50000 60000'", "net.ipv4.ip_unprivileged_port_start: '40000'"],
        ["net.ipv4.ip_local_port_range: '500 900'", "net.ipv4.ip_unprivileged_port_start: '0'"],
        ["net.ipv4.ipfrag_high_thresh: '9000000'", "net.ipv4.ipfrag_low_thresh: '8000000'"],
        ["net.ipv4.ipfrag_high_thresh: '1000'", "net.ipv4.ipfrag_low_thresh: '500'"],
        // Nothing at all is a value, too.
        ["net.ipv4.ip_local_reserved_ports: '8080,9000-9010'"],
        // What a new card has is not what its namespace's default says, or there is none.
        ["net.ipv6.conf.eth0.mtu: '1400'"],
        ["net.ipv4.neigh.eth0.gc_stale_time: '11'", "net.ipv6.neigh.eth0.retrans_time_ms: '400'"],
        // What is dragged along when the namespace is made, and what is said of all for a card that is made.
        ["net.ipv4.ip_forward: '1'", "net.ipv4.conf.lo.forwarding: '0'"],
        ["net.ipv6.conf.all.forwarding: '1'", "net.ipv6.conf.default.forwarding: '0'"],
        ["net.ipv6.conf.all.accept_ra: '1'"], ["net.ipv4.conf.all.accept_redirects: '1'"],
    ])
    func fromTheStartAndAddedAndTakenOut(_ settings: [String]) throws {
        let host = try ScratchHost()
        let dump = { try host.sh("ip netns exec a sysctl -a 2>/dev/null | grep ^net | grep -v _count | sort") }
        try declareSix([], host)
        #expect(try host.apply("--quiet").status == 0)
        let fresh = try dump()
        try declareSix(settings, host)
        let added = try host.apply("--quiet")
        #expect(added.status == 0, "\(added.errors)")
        #expect(try dump() != fresh)
        try declareSix([], host)
        let out = try host.apply("--quiet")
        #expect(out.status == 0, "\(out.errors)")
        let left = Set(try dump().split(separator: "\n")).symmetricDifference(fresh.split(separator: "\n"))
        #expect(left == [])
        #expect(try host.bulkhead("drift", "manifests").status == 0)
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        try declareSix(settings, host)
        let new = try host.apply("--quiet")
        #expect(new.status == 0, "\(new.errors)")
    }

    private func declareSix(_ settings: [String], _ host: ScratchHost) throws {
        let sysctls = settings.isEmpty ? "{}" : "{sysctls: {\(settings.joined(separator: ", "))}}"
        try host.declare(
            Manifests.web.replacing(
                "{prefix: 10.88.0.0/24}", with: "{prefix: 10.88.0.0/24}, {prefix: \"fd00:88::/64\"}"),
            Manifests.endpoint("a"),
            "apiVersion: bulkhead.dev/v1alpha1\nkind: Compartment\nmetadata: {name: a}\nspec: \(sysctls)")
    }
}
