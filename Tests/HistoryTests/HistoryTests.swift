import Foundation
import TestSupport
import Testing

@Suite struct HistoryTests {
    private static let ann = ["SUDO_USER": "ann"]

    @Test func everyChangeHasANumberFailedOnesToo() throws {
        let host = try ScratchHost()
        #expect(try host.bulkhead("history").output == "Nothing was applied yet.\n")
        try host.declare(Manifests.network)
        #expect(try host.apply(environment: Self.ann).status == 0)
        try host.declare(Manifests.network, Manifests.endpoint("a"))
        let failed = try host.apply(environment: ["SUDO_USER": "ann", "BULKHEAD_FAULT": "refuse:2"])
        #expect(failed.status == 1)
        let broken = try host.apply(
            environment: ["SUDO_USER": "ann", "BULKHEAD_FAULT": "refuse:3,refuse-undo:0"])
        #expect(broken.status == 3)
        #expect(try host.apply(environment: Self.ann).status == 0)
        #expect(try host.run([ScratchHost.binary, "destroy", "--all", "--yes"], environment: Self.ann).status == 0)
        let rows = try host.rows()
        #expect(rows.count == 5)
        #expect(rows.first == "1 | ann | apply | default | applied | +3 ~0 ±0 -0 | -")
        #expect(rows.map { $0.split(separator: " | ")[4] } == ["applied", "undone", "broken", "applied", "applied"])
        #expect(rows.map { $0.split(separator: " | ")[2] } == ["apply", "apply", "apply", "apply", "destroy"])
        let undone = try host.record(2)
        let errors = try #require(undone["errors"] as? [[String: Any]])
        #expect((errors.first?["message"] as? String)?.contains("injected fault") == true)
        #expect((errors.first?["source"] as? [String: Any])?["file"] as? String == "manifests/all.yaml")
        #expect((undone["left"] as? [String]) == [])
        #expect((try host.record(3)["left"] as? [String])?.isEmpty == false)
    }

    @Test func findingNothingToDoIsNewsOnlyWithOtherManifests() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.network)
        for _ in 0..<3 { #expect(try host.apply().status == 0) }
        #expect(try host.files() == ["1.json", "texts"])
        try host.declare(Manifests.network, "# nothing else\n")
        for _ in 0..<2 { #expect(try host.apply().status == 0) }
        #expect(try host.rows().map { $0.split(separator: " | ")[4] } == ["applied", "unchanged"])
        for _ in 0..<2 { #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0) }
        #expect(try host.files() == ["1.json", "2.json", "3.json", "texts"])
    }

    /// The last word about a scope is not a failure that is over.
    @Test func findingNothingToDoAfterAFailureIsNews() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.network)
        #expect(try host.apply().status == 0)
        try host.sh("ip link set bh-web mtu 1400")
        #expect(try host.apply(environment: ["BULKHEAD_FAULT": "refuse:0"]).status == 1)
        try host.sh("ip link set bh-web mtu 1500")
        for _ in 0..<2 { #expect(try host.apply().output == "In sync: nothing to do.\n") }
        #expect(try host.rows().map { $0.split(separator: " | ")[4] } == ["applied", "undone", "unchanged"])
    }

    @Test func whatWasDeclinedOrNeverPlannedIsNotRecorded() throws {
        let host = try ScratchHost()
        try host.declare("kind: Nonsense\n")
        #expect(try host.apply().status == 1)
        try host.declare(Manifests.network)
        let declined = try host.run(
            ["script", "-qec", "\(ScratchHost.binary) apply manifests", "/dev/null"], input: "n\n")
        #expect(declined.status == 0)
        #expect(declined.output.contains("Nothing was changed."))
        #expect(try host.bulkhead("history").output == "Nothing was applied yet.\n")
    }

    @Test func oneRecordTellsEverything() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.network)
        #expect(try host.apply("--no-prune", "--host", "node-a", environment: Self.ann).status == 0)
        let record = try host.record(1)
        #expect(record["format"] as? String == "bulkhead.history/v1")
        #expect(record["user"] as? String == "ann")
        #expect(record["host"] as? String == "node-a")
        #expect(record["paths"] as? [String] == [host.folder.path + "/manifests"])
        #expect((record["options"] as? [String: Any])?["prune"] as? Bool == false)
        let texts = (record["manifests"] as? [[String: Any]])?.map { $0["text"] as? String }
        #expect(texts == [Manifests.network])
        #expect((record["plan"] as? [String: Any])?["format"] as? String == "bulkhead.plan/v1")
        let text = try host.bulkhead("history", "show", "1").output
        let words = #/number    1\nstarted   [-0-9T:]+Z\ntook      \d+ ms\nuser      ann\nverb      apply\n(?s:.*)/#
        #expect(text.wholeMatch(of: words) != nil, "\(text)")
        #expect(
            text.contains(
                "manifest  manifests/all.yaml (\(Manifests.network.utf8.count) bytes)\noption    --no-prune\n"))
        #expect(text.contains("  + create bridge bh-web"))
        #expect(text.hasSuffix("\nPlan: 3 to create, 0 to change, 0 to replace, 0 to delete.\n"))
    }

    /// What is shown later is what was shown then.
    @Test func theRecordedPlanReadsAsItDid() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.network, Manifests.endpoint("a"))
        #expect(try host.apply().status == 0)
        try host.declare(Manifests.network)
        let plan = try host.bulkhead("plan", "manifests").output
        #expect(plan.contains("outage of endpoint a"))
        #expect(try host.apply().status == 0)
        #expect(try host.bulkhead("history", "show", "2").output.hasSuffix("\n\n" + plan))
    }

    @Test func whatIsNotThereOrDamagedIsSaid() throws {
        let host = try ScratchHost()
        let none = try host.bulkhead("history", "show", "1")
        #expect(none.status == 1)
        #expect(none.errors == "bulkhead: the history has no number 1; it is empty\n")
        try host.declare(Manifests.network)
        #expect(try host.apply().status == 0)
        let one = try host.bulkhead("history", "show", "4")
        #expect(one.errors == "bulkhead: the history has no number 4; there is 1\n")
        for name in ["a", "b", "c"] {
            try host.declare(Manifests.network, Manifests.endpoint(name))
            #expect(try host.apply().status == 0)
        }
        try host.sh("cd state/history; rm 2.json; echo '{' > 3.json; rm 4.json; ln -s ../../x 4.json")
        let rest = try host.bulkhead("rollback", "2", "--yes")
        #expect(rest.status == 1)
        #expect(rest.errors == "bulkhead: the history has no number 2; there are 1 and 3 to 4\n")
        let link = try host.bulkhead("history", "show", "4")
        #expect(link.errors == "bulkhead: number 4 of the history is damaged: it is no regular file\n")
        #expect(try host.rows().dropFirst().map { $0.contains("| damaged |") } == [true, true])
        // A damaged record keeps its number and is in nobody's way.
        try host.declare(Manifests.network)
        #expect(try host.apply().status == 0)
        #expect(try host.files() == ["1.json", "3.json", "4.json", "5.json", "texts"])
    }

    @Test func aHistoryThatCannotBeWrittenIsAWarning() throws {
        let host = try ScratchHost()
        try host.sh("mkdir elsewhere; ln -s ../elsewhere state/history")
        try host.declare(Manifests.network)
        let result = try host.apply()
        #expect(result.status == 0)
        #expect(
            result.errors
                == "warning: the history could not be written: \(host.folder.path)/state/history is no folder\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: host.folder.path + "/elsewhere") == [])
    }

    @Test func textsThatNoRecordNamesGo() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.network)
        #expect(try host.apply().status == 0)
        let before = try host.files("history/texts")
        #expect(before.count == 2)
        try host.sh("rm state/history/1.json; echo > state/history/7.json.new-1; echo > state/history/texts/x.new-1")
        try host.declare(Manifests.network, Manifests.endpoint("a"))
        #expect(try host.apply().status == 0)
        #expect(try host.files() == ["1.json", "texts"])
        #expect(Set(try host.files("history/texts")).isDisjoint(with: before + ["x.new-1"]))
    }
}
