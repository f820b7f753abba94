import Foundation
import TestSupport
import Testing

/// What others have on links of bulkhead's goes with these, and does not come back: that is said beforehand, and undoing
/// does not call the host as it was.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct LossTests {
    private static let things = [
        (
            "ip link add mv0 link bh-web type macvlan mode bridge", "delete bridge bh-web: macvlan mv0 on bh-web"
        ),
        (
            "tc qdisc add dev bh-web root handle 1: pfifo limit 7",
            "delete bridge bh-web: queueing discipline pfifo on bh-web"
        ),
        (
            "tc qdisc add dev ep-a root handle 1: pfifo limit 7",
            "delete veth ep-a: queueing discipline pfifo on ep-a"
        ),
        (
            "ip nexthop add id 99 via 10.88.0.10 dev bh-web; ip route add 10.202.0.0/16 nhid 99",
            "delete bridge bh-web: route 10.202.0.0/16 via 10.88.0.10 nhid 99 on bh-web"
        ),
    ]

    private func host(_ line: String) throws -> ScratchHost {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("a", "addresses: [10.88.0.10]"))
        #expect(try host.apply("--quiet").status == 0)
        try host.sh(line)
        try host.declare("apiVersion: bulkhead.dev/v1alpha1\nkind: Compartment\nmetadata: {name: other}")
        return host
    }

    @Test(arguments: things) func itIsSaid(_ line: String, _ words: String) throws {
        let host = try host(line)
        let (step, loss) = (words.components(separatedBy: ": ")[0], words.components(separatedBy: ": ")[1])
        let plan = try host.bulkhead("plan", "manifests")
        #expect(
            (plan.output + plan.errors).contains(
                "warning: \(step): \(loss) goes with it, and undoing does not bring it back\n"),
            "\(plan.output)\(plan.errors)")
        #expect(try host.apply("--quiet", "--confirm-within", "1h").status == 0)
        let revert = try host.bulkhead("revert")
        #expect(revert.status == 3, "\(revert.output)\(revert.errors)")
        #expect(revert.errors.contains("  was not put back: \(loss)\n"), "\(revert.output)\(revert.errors)")
    }

    @Test func whereTheLinkStaysNothingIsLost() throws {
        let host = try host(Self.things[0].0)
        let refused = try host.apply("--quiet", fault: "refuse:0")
        #expect(refused.status == 1, "\(refused.errors)")
        #expect(try host.sh("ip -o link show mv0").contains("mv0@bh-web"))
    }
}
