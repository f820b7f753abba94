import Foundation
import TestSupport
import Testing

/// A host that is full of others' links.
@Suite struct ManyLinksTests {
    @Test func twoThousandLinksOfOthersAreReadAndLeftAlone() throws {
        let host = try ScratchHost()
        // With an alias each, so that the table takes many datagrams.
        try host.sh(
            """
            seq 1 1000 | while read n; do
                echo link add a$n type veth peer name b$n
                echo link set a$n alias somebody-elses-link-with-a-long-name-number-$n
                echo address add 198.18.$((n / 250)).$((n % 250 + 1))/32 dev a$n
            done | ip -batch -
            """)
        let links = { try host.sh("ip -o link show | wc -l") }
        #expect(try links() == "2001\n")
        let before = try HostDump(host)
        try host.declare(Manifests.web, Manifests.endpoint("web-1"), Manifests.endpoint("web-2"))
        #expect(try host.apply().status == 0)
        #expect(try host.bulkhead("plan", "manifests").output == "In sync: nothing to do.\n")
        #expect(try links() == "2004\n")
        try host.sh("ip -n web-1 route get 10.88.0.1 >/dev/null")
        let destroyed = try host.bulkhead("destroy", "--all", "--yes")
        #expect(destroyed.status == 0, "\(destroyed.errors)")
        #expect(try HostDump(host).differences(from: before) == [])
    }
}
