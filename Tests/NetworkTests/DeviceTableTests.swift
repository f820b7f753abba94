import Foundation
import TestSupport
import Testing

/// A table of the family that looks at single interfaces is bulkhead's where it has its name, as those of other families are.
@Suite struct DeviceTableTests {
    private static let table = """
        table netdev bulkhead {
            chain entry {
                type filter hook ingress device lo priority -10
                policy accept
                udp dport 9 counter drop
            }
            chain both {
                type filter hook egress devices = { bh-web, ep-a } priority 5
                policy accept
                counter
            }
        }
        """

    private func site() throws -> PolicyHost {
        let site = try PolicyHost(documents: [
            Document.network("web", 88), Document.endpoint("a", "web", 88, 10),
        ])
        try site.apply()
        return site
    }

    private func listing(_ host: ScratchHost) throws -> String { try host.sh("nft -s list table netdev bulkhead") }

    /// Whatever hooks it has, and on however many interfaces: the JSON of nft says neither, the kernel does.
    @Test func isDriftAndGoes() throws {
        let site = try site()
        let host = site.host
        let before = try HostDump(host)
        try host.sh("nft -f - <<'END'\n\(Self.table)\nEND")
        let drift = try host.bulkhead("drift", "manifests")
        #expect(drift.status == 2)
        #expect(drift.output.contains("delete table netdev bulkhead"), "\(drift.output)\(drift.errors)")
        try site.apply()
        #expect(try HostDump(host).differences(from: before) == [])
    }

    @Test func anApplyThatFailsPutsItBackOnItsInterfaces() throws {
        let site = try site()
        let host = site.host
        try host.sh("nft -f - <<'END'\n\(Self.table)\nEND\nip link set ep-a nomaster")
        let before = try listing(host)
        #expect(before.contains("devices = { bh-web, ep-a }"), "\(before)")
        let failed = try host.bulkhead("apply", "manifests", "--yes", environment: ["BULKHEAD_FAULT": "refuse:1"])
        #expect(failed.status == 1, "\(failed.output)\(failed.errors)")
        #expect(failed.output.contains("delete table netdev bulkhead"), "\(failed.output)")
        #expect(Set(try listing(host).split(separator: "\n")) == Set(before.split(separator: "\n")))
        try site.apply()
    }

    @Test func destroyLeavesNothingOfIt() throws {
        let host = try site().host
        try host.sh("nft -f - <<'END'\n\(Self.table)\nEND")
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        #expect(try host.sh("nft list tables") == "")
    }

    /// One of another scope, or of anybody else, is none of this scope's affair.
    @Test func othersKeepTheirs() throws {
        let host = try site().host
        let other = Self.table.replacingOccurrences(of: "netdev bulkhead", with: "netdev guard")
        try host.sh("nft -f - <<'END'\n\(other)\nEND")
        #expect(try host.bulkhead("drift", "manifests").status == 0)
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        #expect(try host.sh("nft list tables") == "table netdev guard\n")
    }
}
