import Foundation
import TestSupport
import Testing

/// What becomes of rounds when what they keep from one to the next is damaged, and when the repository is out of reach.
@Suite struct DamageTests {
    private static let copy = "state/reconcile/default/repository.git"

    /// Ways to damage the copy of a repository.
    static let damages = [
        "for pack in \(copy)/objects/pack/*.pack; do truncate -s 20 $pack; done",
        "rm \(copy)/objects/pack/*",
        ": > \(copy)/HEAD",
        ": > \(copy)/refs/bulkhead/candidate; : > \(copy)/refs/bulkhead/good",
        "rm -r \(copy)/refs \(copy)/objects",
        "head -c 66 /dev/zero > \(copy)/config",
        "rm \(copy)/config; mkdir \(copy)/config",
        "echo garbage > \(copy)/packed-refs",
        "rm -r \(copy); touch \(copy)",
        "rm -r \(copy); git init -q --bare --object-format=sha256 \(copy)",
    ]

    @Test(arguments: damages) func aDamagedCopyIsMadeAnew(_ damage: String) throws {
        let site = try RoundHost()
        let first = try site.push(RoundHost.network, RoundHost.endpoint("a"))
        #expect(try site.round().status == 0)
        try site.host.sh("chmod -R u+w \(Self.copy); \(damage)")
        let same = try site.round()
        #expect(same.output == "reconcile default: in sync with commit \(first.short) of main\n", "\(same)")
        try site.host.sh("chmod -R u+w \(Self.copy); \(damage)")
        let second = try site.push(RoundHost.network, RoundHost.endpoint("b"))
        let next = try site.round()
        #expect(next.output.hasPrefix("reconcile default: applied commit \(second.short) of main: "), "\(next)")
        // A bad commit is the one that is to blame, whatever became of the copy.
        try site.host.sh("chmod -R u+w \(Self.copy); \(damage); ip link set bh-web mtu 1400")
        let bad = try site.push("kind: Nonsense\n")
        let fallback = try site.round()
        #expect(fallback.status == 1)
        let head = "reconcile default: commit \(bad.short) of main is bad: net/all.yaml:1:"
        #expect(fallback.output.hasPrefix(head), "\(fallback)")
        let tail =
            "; commit \(second.short) stays in force, drift was repaired: 0 created, 1 changed, 0 replaced, 0 deleted\n"
        #expect(fallback.output.hasSuffix(tail), "\(fallback)")
    }

    /// At boot nobody can be asked: what was in force comes from the history.
    @Test(arguments: damages + ["rm state/reconcile/default/status.json", "rm -r state/reconcile"])
    func theHistoryStandsInForTheCopy(_ damage: String) throws {
        let site = try RoundHost()
        let commit = try site.push(RoundHost.network, RoundHost.endpoint("a"))
        #expect(try site.round().status == 0)
        try site.host.sh("chmod -R u+w \(Self.copy); \(damage); mv origin.git away; ip link del bh-web")
        let boot = try site.round("--offline")
        #expect(boot.status == 0, "\(boot)")
        #expect(
            boot.output.hasPrefix("reconcile default: repaired drift from commit \(commit.short) of main: "), "\(boot)")
        try site.host.sh("ip link set bh-web mtu 1400")
        let unreachable = try site.round()
        #expect(unreachable.status == 1)
        #expect(
            unreachable.output.hasPrefix(
                "reconcile default: main could not be fetched: --repo \(site.host.folder.path)/origin.git: ENOENT (No such file or "
                    + "directory); name the folder of a checkout or of a bare repository, or an address; commit \(commit.short) "
                    + "stays in force, drift was repaired: 0 created, 1 changed, 0 replaced, 0 deleted\n"),
            "\(unreachable)")
    }

    /// Where neither the copy nor the history has it, a boot says so as every round does.
    @Test func whatIsLostForGoodIsAResult() throws {
        let site = try RoundHost()
        try site.push(RoundHost.network)
        let (none, nothing) = try site.document("--offline")
        #expect(none == 0 && nothing["result"] as? String == "inSync" && nothing["enforced"] is NSNull, "\(nothing)")
        #expect(try site.round().status == 0)
        try site.host.sh("rm -r \(Self.copy); for text in state/history/texts/*; do echo x > $text; done")
        let (status, document) = try site.document("--offline")
        #expect(status == 1)
        #expect(document["result"] as? String == "failed", "\(document)")
        #expect("\(document["errors"] ?? "")".contains("of the history is damaged"), "\(document)")
    }

    /// Nobody's metrics, document and status are silent about it.
    @Test func aRepositoryThatIsGoneIsAResult() throws {
        let site = try RoundHost()
        let commit = try site.push(RoundHost.network, RoundHost.endpoint("a"))
        #expect(try site.round().status == 0)
        for change in ["chown -R 4711 origin.git", "rm -r origin.git"] {
            try site.host.sh("\(change); ip link set bh-web mtu 1400")
            let (status, document) = try site.document()
            #expect(status == 1)
            #expect(document["result"] as? String == "unreachable", "\(document)")
            #expect(document["enforced"] as? String == commit)
            #expect((document["summary"] as? [String: Int])?["update"] == 1)
            let metrics = try site.host.bulkhead("show", "--output", "prometheus").output
            #expect(
                metrics.contains(
                    "bulkhead_reconcile_last_round_result{scope=\"default\",result=\"unreachable\"} 1\n"), "\(metrics)")
        }
        // The paths of the last apply are those of the last that anybody asked for.
        let mistyped = try site.host.run([
            ScratchHost.binary, "reconcile", "--repo", "origin.git", "--path", "net", "--ref", "mian",
        ])
        #expect(mistyped.status == 1)
        let last = try String(
            contentsOf: site.host.folder.appendingPathComponent("state/last-default"), encoding: .utf8)
        #expect(last.contains("origin.git//net@main"), "\(last)")
    }
}
