import Foundation
import TestSupport
import Testing

/// What somebody sets on a table of ours as a whole.
@Suite struct TableFlagTests {
    private func site() throws -> PolicyHost {
        try PolicyHost(documents: [
            Document.network("web", 88), Document.network("other", 89), Document.endpoint("a", "web", 88, 10),
            Document.endpoint("b", "other", 89, 10),
        ])
    }

    /// Nothing of a dormant table is in force. That is drift, which apply repairs, and what was let through is cut.
    @Test(arguments: ["bridge", "inet", "arp"]) func aDormantTableIsWoken(_ family: String) throws {
        let site = try site()
        let host = site.host
        try site.apply()
        let before = try HostDump(host)
        try site.serve("b", "echo-tcp", "0.0.0.0", "80")
        expectNobody(try site.probe("a", "tcp", "10.89.0.10", "80", "0.5"), "before")
        try host.sh("nft add table \(family) bulkhead '{ flags dormant; }'")
        let passing = family == "inet" ? try site.talk("a", "10.89.0.10", 80) : nil
        #expect(try passing?.ask("ask") ?? "alive" == "alive")
        let drift = try host.bulkhead("drift", "manifests")
        #expect(drift.status == 2, "\(drift.output)\(drift.errors)")
        #expect(
            drift.output.contains(
                "change firewall: wake table \(family) bulkhead, which is dormant: nothing of it is in force"),
            "\(drift.output)")
        try site.apply()
        #expect(try passing?.ask("1") ?? "cut" == "cut")
        expectNobody(try site.probe("a", "tcp", "10.89.0.10", "80", "0.5"), "after")
        let after = try HostDump(host)
        #expect(after.differences(from: before) == [])
        #expect(after.changedIdentities(from: before) == [])
    }

    @Test func otherChangesComeWithIt() throws {
        let site = try site()
        let host = site.host
        try site.apply()
        try host.sh("nft flush chain inet bulkhead forward; nft delete chain inet bulkhead input || true")
        try host.sh("nft flush chain bridge bulkhead content; nft add set inet bulkhead foreign '{ type mark; }'")
        for family in ["bridge", "inet", "arp"] {
            try host.sh("nft add table \(family) bulkhead '{ flags dormant; }'")
        }
        try site.apply()
        #expect(try host.sh("nft list tables").split(separator: "\n").count == 3)
        #expect(!(try host.sh("nft list ruleset")).contains("dormant"))
        expectNobody(try site.probe("a", "tcp", "10.89.0.10", "80", "0.5"), "another network")
    }

    /// All of it, and only one object.
    @Test func destroyWorksWhileTablesSleep() throws {
        let site = try site()
        let host = site.host
        let empty = try HostDump(host)
        for families in [["inet"], ["bridge"], ["bridge", "inet", "arp"]] {
            try site.apply()
            for family in families { try host.sh("nft add table \(family) bulkhead '{ flags dormant; }'") }
            try host.sh("mkdir -p part")
            try (Document.network("other", 89) + Document.endpoint("b", "other", 89, 10)).write(
                to: host.folder.appendingPathComponent("part/b.yaml"), atomically: true, encoding: .utf8)
            let part = try host.bulkhead("destroy", "part", "--yes")
            #expect(part.status == 0, "\(families): \(part.errors)")
            #expect(!(try host.sh("nft list table inet bulkhead")).contains("Endpoint/b"))
            let all = try host.bulkhead("destroy", "--all", "--yes")
            #expect(all.status == 0, "\(families): \(all.errors)")
            #expect(try HostDump(host).differences(from: empty) == [], "\(families)")
        }
    }

    /// An apply that fails leaves the host as it was, and so the table dormant.
    @Test func anApplyThatFailsPutsTheFlagBack() throws {
        let site = try site()
        let host = site.host
        try site.apply()
        try host.sh("nft add table inet bulkhead '{ flags dormant; }'; ip link set ep-b nomaster")
        // It was in force for a moment, and whatever passed then was counted: without the counts.
        let before = try host.sh("nft -s -t list table inet bulkhead")
        let failed = try host.bulkhead(
            "apply", "manifests", "--yes", environment: ["BULKHEAD_FAULT": "refuse:1"])
        #expect(failed.status == 1, "\(failed.output)\(failed.errors)")
        #expect(failed.output.contains("wake table inet bulkhead"), "\(failed.output)")
        #expect(try host.sh("nft -s -t list table inet bulkhead") == before)
        try site.apply()
    }

    /// The kernel lets nobody but the owner change a table.
    @Test func aTableThatAProcessOwnsIsNamed() throws {
        let site = try site()
        let host = site.host
        try site.apply()
        try host.sh("nft delete table arp bulkhead")
        let owner = try host.start(["nft", "--interactive"], hasInput: true)
        defer { owner.signal(SIGKILL) }
        try owner.tell("add table arp bulkhead { flags owner; }")
        try owner.tell("list tables")
        while !(try owner.answer()).contains("arp bulkhead") {}
        for arguments in [["drift", "manifests"], ["apply", "manifests", "--yes"], ["destroy", "--all", "--yes"]] {
            let result = try host.run([ScratchHost.binary] + arguments)
            #expect(result.status == 1)
            #expect(
                result.errors.contains(
                    "error: the firewall table arp bulkhead belongs to another process (netlink port \(owner.processID)), "
                        + "which alone may change it; end that process, with which the table goes, and run this again"),
                "\(result.errors)")
        }
        owner.signal(SIGKILL)
        _ = try owner.finish()
        try site.apply()
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
    }
}
