import Foundation
import TestSupport
import Testing

/// What rounds do with good and bad commits, and with drift between them.
@Suite struct RoundTests {
    @Test func aCommitIsAppliedOnceAndItsDriftRepaired() throws {
        let site = try RoundHost()
        let first = try site.push(RoundHost.network, RoundHost.endpoint("a"))
        let applied = try site.round()
        #expect(applied.status == 0, "\(applied)")
        let words =
            #/reconcile default: applied commit \w{12} of main: \d+ created, \d+ changed, 0 replaced, 0 deleted\n/#
        #expect(applied.output.wholeMatch(of: words) != nil, "\(applied.output)")
        #expect(try site.endpoints() == ["a"])
        let second = try site.round()
        #expect(second.status == 0)
        #expect(second.output == "reconcile default: in sync with commit \(first.short) of main\n")
        #expect(try site.round("--quiet").output == "")
        #expect(try site.history() == ["reconcile applied \(first.short)"])

        try site.host.sh("ip address del 10.88.0.1/24 dev bh-web; ip link set bh-web mtu 1400")
        let repaired = try site.round()
        #expect(repaired.status == 0)
        #expect(repaired.output.hasPrefix("reconcile default: repaired drift from commit \(first.short) of main: "))
        #expect(try site.host.sh("ip -o -4 address show dev bh-web").contains("10.88.0.1/24"))

        let next = try site.push(RoundHost.network, RoundHost.endpoint("b"))
        let (status, document) = try site.document()
        #expect(status == 0)
        #expect(document["format"] as? String == "bulkhead.reconcile/v1")
        #expect(document["result"] as? String == "applied")
        #expect(document["commit"] as? String == next)
        #expect(document["enforced"] as? String == next)
        #expect(document["number"] as? Int == 3)
        #expect((document["summary"] as? [String: Int])?["delete"] ?? 0 > 0)
        #expect(try site.endpoints() == ["b"])
        #expect(
            try site.history() == [
                "reconcile applied \(first.short)", "reconcile applied \(first.short)",
                "reconcile applied \(next.short)",
            ])
        // The record names its file as it is in the repository.
        let record = try site.host.bulkhead("history", "show", "3").output
        #expect(record.contains("manifest  net/all.yaml ("), "\(record)")
    }

    /// What a process in a compartment does without end does not fail a round, and is told.
    @Test func whoeverMeddlesIsNamed() throws {
        let site = try RoundHost()
        try site.push(RoundHost.network, RoundHost.endpoint("a"))
        #expect(try site.round().status == 0)
        // So many, and so eagerly put back, that they are never all gone, also where others keep the processors busy.
        let rules = (1...6000).map { "rule add from 192.0.2.9 lookup 7 priority \(77 + $0 % 300)\n" }.joined()
        let file = "\(site.host.folder.path)/rules"
        try rules.write(toFile: file, atomically: true, encoding: .utf8)
        let batch = "ip -force -batch \(file) 2>/dev/null"
        let loop = "while :; do chrt -f 1 \(batch) || \(batch); done"
        let process = try site.host.start(["ip", "netns", "exec", "a", "sh", "-c", loop])
        defer { process.signal(SIGKILL) }
        while try !site.host.sh("ip -n a rule").contains("192.0.2.9") { usleep(20_000) }
        var said = ""
        for _ in 1...100 where !said.contains("warning: ") {
            let round = try site.round()
            #expect(round.status == 0, "\(round)")
            said += round.errors
        }
        #expect(said.contains("warning: a is changed by somebody in there: "), "\(said)")
    }

    @Test func aBadCommitChangesNothingAndTheLastGoodOneStaysInForce() throws {
        let site = try RoundHost()
        let good = try site.push(RoundHost.network, RoundHost.endpoint("a"))
        #expect(try site.round().status == 0)
        let bad = try site.push("kind: Nonsense\n")
        let before = try HostDump(site.host)
        let result = try site.round()
        #expect(result.status == 1)
        let head = "reconcile default: commit \(bad.short) of main is bad: net/all.yaml:1:"
        #expect(result.output.hasPrefix(head), "\(result.output)")
        #expect(result.output.hasSuffix("; commit \(good.short) stays in force\n"), "\(result.output)")
        #expect(result.output.split(separator: "\n").count == 1)
        #expect(try HostDump(site.host).differences(from: before) == [])

        // Drift of the good one is repaired while the bad one is reported.
        try site.host.sh("ip address add 10.9.9.9/32 dev bh-web")
        let (status, document) = try site.document()
        #expect(status == 1)
        #expect(document["result"] as? String == "bad")
        #expect(document["commit"] as? String == bad)
        #expect(document["enforced"] as? String == good)
        #expect((document["summary"] as? [String: Int])?["delete"] == 1)
        #expect(((document["errors"] as? [[String: Any]])?.first?["message"] as? String)?.isEmpty == false)
        #expect(try !site.host.sh("ip -o address show dev bh-web").contains("10.9.9.9"))

        // A commit that puts things right ends it.
        let better = try site.push(RoundHost.network, RoundHost.endpoint("c"))
        #expect(try site.round().output.hasPrefix("reconcile default: applied commit \(better.short) of main: "))
        #expect(try site.endpoints() == ["c"])
    }

    @Test func aBadFirstCommitChangesNothing() throws {
        let site = try RoundHost()
        let bad = try site.push("kind: Nonsense\n")
        let result = try site.round()
        #expect(result.status == 1)
        #expect(result.output.hasPrefix("reconcile default: commit \(bad.short) of main is bad: "))
        #expect(result.output.hasSuffix("; nothing was changed\n"))
        #expect(try site.host.bulkhead("history").output == "Nothing was applied yet.\n")
    }

    @Test func aCommitThatFailsIsUndoneAndNotTriedAgain() throws {
        let site = try RoundHost()
        let good = try site.push(RoundHost.network, RoundHost.endpoint("a"))
        #expect(try site.round().status == 0)
        try site.host.sh("cp -r work/net good")
        let bad = try site.push(RoundHost.network, RoundHost.endpoint("a"), RoundHost.endpoint("b"))
        let failed = try site.round(environment: ["BULKHEAD_FAULT": "refuse:2"])
        #expect(failed.status == 1)
        #expect(failed.output.contains("commit \(bad.short) of main is bad: "), "\(failed.output)")
        #expect(failed.output.hasSuffix("; commit \(good.short) stays in force\n"), "\(failed.output)")
        #expect(try site.endpoints() == ["a"])
        for _ in 0..<2 {
            let again = try site.round()
            #expect(again.status == 1)
            #expect(again.output == failed.output)
        }
        let tried = ["reconcile applied \(good.short)", "reconcile undone \(bad.short)"]
        #expect(try site.history().prefix(2) == tried[...])
        #expect(try site.history().count == 2)
        // Monitoring hears of it until another commit is in force.
        let monitored = try site.host.bulkhead("drift", "--monitoring", "good")
        #expect(monitored.status == 2)
        #expect(
            monitored.output
                == "BULKHEAD CRITICAL - last apply failed, 0 differences | differences=0;0;;0\n", "\(monitored)")
        let metrics = try site.host.bulkhead("show", "--output", "prometheus").output
        #expect(metrics.contains("\nbulkhead_last_change_success{scope=\"default\"} 0\n"), "\(metrics)")
        #expect(try site.endpoints() == ["a"])
        // Somebody who knows that the reason is gone says so.
        #expect(try site.round("--retry").status == 0)
        #expect(try site.endpoints() == ["a", "b"])
        #expect(try site.host.bulkhead("drift", "--monitoring", "work/net").status == 0)
    }

    @Test func whatTheHostStandsAgainstIsTriedAgain() throws {
        let site = try RoundHost()
        try site.host.sh("ip link add bh-web type bridge")
        let commit = try site.push(RoundHost.network)
        let refused = try site.round()
        #expect(refused.status == 1)
        #expect(refused.output.contains("is bad: net/all.yaml:"), "\(refused.output)")
        #expect(refused.output.contains("bh-web"))
        try site.host.sh("ip link del bh-web")
        #expect(try site.round().output.hasPrefix("reconcile default: applied commit \(commit.short) of main: "))
    }

    @Test func aRepositoryThatDoesNotAnswerIsSaidAndDriftRepaired() throws {
        let site = try RoundHost()
        let good = try site.push(RoundHost.network)
        #expect(try site.round().status == 0)
        try site.host.sh("mv origin.git elsewhere.git; mkdir origin.git; ip link set bh-web mtu 1400")
        let result = try site.round()
        #expect(result.status == 1)
        #expect(result.output.hasPrefix("reconcile default: main could not be fetched: ask "), "\(result.output)")
        #expect(result.output.contains("; commit \(good.short) stays in force, drift was repaired: "))
        #expect(try site.host.sh("ip link show bh-web").contains("mtu 1500"))
        try site.host.sh("rmdir origin.git; mv elsewhere.git origin.git")
        #expect(try site.round().status == 0)
        let (status, document) = try site.document("--ref", "nonesuch")
        #expect(status == 1)
        #expect(document["result"] as? String == "unreachable")
    }

    @Test func referencesAreBranchesTagsAndCommits() throws {
        let site = try RoundHost()
        let first = try site.push(RoundHost.network)
        try site.host.sh("cd work; git tag light; git tag -a -m heavy heavy; git push -q origin light heavy")
        let second = try site.push(RoundHost.network, RoundHost.endpoint("a"))
        // A tag cannot stand in for a branch of the same name.
        try site.host.sh("cd work; git tag main \(first); git push -q origin refs/tags/main")
        for (reference, commit) in [
            ("light", first), ("main", second), ("heavy", first), (second, second), ("refs/tags/main", first),
            (second.uppercased(), second),
        ] {
            let (status, document) = try site.document("--ref", reference)
            #expect(status == 0, "\(reference): \(document)")
            #expect(document["commit"] as? String == commit, "\(reference)")
        }
        // What is no commit is none under any name.
        try site.host.sh("cd work; git tag -a -m tree tree HEAD^{tree}; git push -q origin tree")
        let tree = try site.document("--ref", "tree")
        #expect(tree.0 == 1 && tree.1["result"] as? String == "bad", "\(tree)")
        #expect("\(tree.1["errors"] ?? "")".contains("is no commit, but a tree"), "\(tree)")
        for options in [["--retry"], ["--path", "."]] {
            let again = try site.host.run(
                [ScratchHost.binary, "reconcile", "--repo", "origin.git", "--path", "net", "--ref", "tree"] + options)
            #expect(again.output.contains(" is no commit, but a tree; "), "\(again)")
        }
        for bad in ["--upload-pack=x", "-x", "a..b", "a b", "", "x.lock", "/x", "@{-1}"] {
            let result = try site.host.run([
                ScratchHost.binary, "reconcile", "--repo", "origin.git", "--ref=\(bad)",
            ])
            #expect(result.status == 64, "\(bad)")
        }
        for bad in [
            "--upload-pack=x", "ext::sh -c id", "http://x/y", "https://a:b@x/y", "-oProxyCommand=x:y", "git://x/y",
        ] {
            let result = try site.host.run([ScratchHost.binary, "reconcile", "--repo=\(bad)"])
            #expect(result.status == 64, "\(bad): \(result)")
        }
        let path = try site.host.run([ScratchHost.binary, "reconcile", "--repo", "origin.git", "--path", "../x"])
        #expect(path.status == 64)
    }

    @Test func aWorkTreeIsReadAtItsCommit() throws {
        let site = try RoundHost()
        let commit = try site.push(RoundHost.network)
        // What is not committed is not there.
        try site.write("net/all.yaml", "kind: Nonsense\n")
        let (status, document) = try site.document("--repo", "work")
        #expect(status == 0, "\(document)")
        #expect(document["commit"] as? String == commit)
    }

    @Test func deletingNearlyEverythingNeedsAWord() throws {
        let site = try RoundHost()
        let all = ["a", "b", "c", "d", "e", "f"].map(RoundHost.endpoint).joined()
        try site.push(RoundHost.network, all)
        #expect(try site.round().status == 0)
        try site.push(RoundHost.network)
        let refused = try site.round()
        #expect(refused.status == 1)
        #expect(refused.output.contains("add --allow-mass-delete"), "\(refused.output)")
        #expect(try site.endpoints().count == 6)
        #expect(try site.round("--allow-mass-delete").status == 0)
        #expect(try site.endpoints() == [])
    }
}
