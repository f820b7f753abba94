import TestSupport
import Testing

/// What the host's cards were before is noted in the state folder, and in the tables.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct LostNoteTests {
    @Test func theTablesSayWhatWasNoted() throws {
        let host = try ScratchHost()
        try host.sh(
            "for n in 0 1; do ip link add up$n type veth peer name far$n; ip link set up$n up; ip link set far$n up; "
                + "ip address add 192.0.$n.1/24 dev up$n; done; "
                + "while ip -6 addr show | grep -q tentative; do sleep 0.05; done")
        let empty = try HostDump(host)
        try host.declare(Manifests.web, Manifests.endpoint("a"))
        #expect(try host.apply("--quiet").status == 0)
        let rules = try host.sh("nft -s list ruleset")
        #expect(rules.contains("\"up0\" comment \"forwarding was off\""), "\(rules)")
        let notes = try host.sh("cat state/originals")
        try host.sh("rm -r state")
        let plan = try host.bulkhead("plan", "manifests").output
        #expect(plan.contains("host: note again that net/ipv4/conf/up0/forwarding was 0"), "\(plan)")
        let apply = try host.apply("--quiet")
        #expect(apply.status == 0, "\(apply.errors)")
        #expect(try host.sh("nft -s list ruleset") == rules)
        #expect(try host.sh("cat state/originals") == notes)
        // Without being noted again it goes back to what it was, too.
        try host.sh("rm -r state")
        let destroy = try host.bulkhead("destroy", "--all", "--yes")
        #expect(destroy.status == 0, "\(destroy.errors)")
        #expect(try HostDump(host).differences(from: empty) == [])
    }
}
