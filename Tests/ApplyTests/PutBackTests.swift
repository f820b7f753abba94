import Foundation
import TestSupport
import Testing

/// Changes that fail at their last step, or are reverted, on hosts where others have things on links that the change
/// touches.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct PutBackTests {
    private static let other = "apiVersion: bulkhead.dev/v1alpha1\nkind: Compartment\nmetadata: {name: other}"

    /// Every step is refused, then the change is reverted: all is as before.
    private func check(_ host: ScratchHost, _ options: String...) throws {
        let before = try HostDump(host)
        let steps = try host.steps(options)
        #expect(steps.count > 1)
        for (index, step) in steps.enumerated() {
            let result = try host.run(
                [ScratchHost.binary, "apply", "--yes", "--quiet", "manifests"] + options,
                environment: ["BULKHEAD_FAULT": "refuse:\(index)"])
            #expect(result.status == 1, "\(step): \(result.errors)")
            let differences = try HostDump(host).differences(from: before)
            #expect(differences == [], "\(step): \(differences)")
        }
        let result = try host.run(
            [ScratchHost.binary, "apply", "--yes", "--quiet", "--confirm-within", "1h", "manifests"] + options)
        #expect(result.status == 0, "\(result.errors)")
        let revert = try host.bulkhead("revert")
        #expect(revert.status == 0, "\(revert.errors)")
        #expect(try HostDump(host).differences(from: before) == [])
    }

    /// A namespace of somebody else, which no manifest names any more when the card in it goes.
    @Test(arguments: ["/run/netns/theirs", "elsewhere"])
    func aCardInANamespaceThatIsNotNamedAnyMore(_ place: String) throws {
        let host = try ScratchHost()
        let path = place.hasPrefix("/") ? place : "\(host.folder.path)/\(place)"
        try host.sh("ip netns add theirs; [ -e \(path) ] || { touch \(path); mount --bind /run/netns/theirs \(path); }")
        if !place.hasPrefix("/") { try host.sh("umount /run/netns/theirs; rm /run/netns/theirs") }
        let compartment =
            "apiVersion: bulkhead.dev/v1alpha1\nkind: Compartment\nmetadata: {name: c}\n"
            + "spec: {namespace: {path: \(path)}}"
        let kept = Manifests.endpoint("b", "addresses: [10.88.0.11]")
        try host.declare(Manifests.web, compartment, Manifests.endpoint("a", "compartment: c"), kept)
        #expect(try host.apply("--quiet").status == 0)
        try host.declare(Manifests.web, kept)
        try check(host)
        try host.declare(Self.other)
        try check(host)
    }

    @Test func whatAForeignPortOfATakenBridgeHad() throws {
        let host = try ScratchHost()
        try host.sh(
            """
            ip link add bh-web type bridge; ip link set bh-web up
            ip link add theirs type veth peer name theirs2; ip link set theirs master bh-web; ip link set theirs up
            ip link set theirs2 up
            bridge link set dev theirs hairpin on isolated on
            bridge fdb add 02:00:00:00:00:97 dev theirs master static
            ip neigh add 10.88.0.99 lladdr 02:00:00:00:00:99 dev bh-web nud permanent
            """)
        try host.declare(Manifests.web)
        try check(host, "--adopt", "Network/web")
    }

    @Test func permanentNeighboursWhereTheMACChanges() throws {
        let host = try ScratchHost()
        let mac = { (last: Int) in Manifests.endpoint("a", "addresses: [10.88.0.10], mac: \"02:00:00:00:00:0\(last)\"")
        }
        try host.declare(Manifests.web, mac(1))
        #expect(try host.apply("--quiet").status == 0)
        try host.sh("ip -n a neigh add 10.88.0.99 lladdr 02:00:00:00:00:99 dev eth0 nud permanent")
        try host.declare(Manifests.web, mac(2))
        try check(host)
    }

    /// Ordinary users in a compartment resolve names, whatever umask root has.
    @Test func aNarrowUmask() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("a"))
        try host.sh("umask 077; \(ScratchHost.binary) apply --yes --quiet manifests")
        let etc = "\(host.folder.path)/etc/a"
        #expect(try host.sh("stat -c %a \(etc) \(etc)/hosts") == "755\n644\n")
    }

    /// The signal of the limit would end the process in the middle. The history is what does not fit.
    @Test func aLimitOfFileSizes() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("a"))
        let result = try host.sh(
            "ulimit -f 8; \(ScratchHost.binary) apply --yes --quiet manifests 2>&1; echo \"status $?\"")
        #expect(result.contains("warning: the history could not be written: write "), "\(result)")
        #expect(result.hasSuffix(": EFBIG (File too large)\nstatus 0\n"), "\(result)")
        #expect(try host.bulkhead("drift", "manifests").status == 0)
    }
}
