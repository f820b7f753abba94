import Foundation
import Reconciler
import TestSupport
import Testing

/// Who undoes every repair gets it repaired ever more rarely.
@Suite struct FightTests {
    @Test func theThirdRepairInARowIsWaitedFor() {
        #expect(Fights.delay(after: 1) == 0)
        #expect(Fights.delay(after: 2) == 0)
        #expect((3...6).map(Fights.delay(after:)) == [1000, 2000, 4000, 8000])
        #expect([9, 20, 1_000_000].map(Fights.delay(after:)) == [60_000, 60_000, 60_000])
        var fights = Fights()
        var now: Int64 = 1000
        for expected: Int64 in [0, 0, 1000, 2000, 4000] {
            #expect(fights.delay(of: ["a"], at: now) == 0)
            fights.repaired(["a"], at: now)
            #expect(fights.delay(of: ["a"], at: now) == expected)
            now += expected
        }
        #expect(fights.count(of: ["a", "b"]) == 5)
    }

    /// It takes along what is fought over: one apply does all that differs.
    @Test func whatNobodyFightsOverIsNotWaitedFor() {
        var fights = Fights()
        for _ in 0..<5 { fights.repaired(["a"], at: 0) }
        #expect(fights.delay(of: ["a"], at: 1) == 3999)
        #expect(fights.delay(of: ["a", "b"], at: 1) == 0)
        #expect(fights.delay(of: [String](), at: 1) == 0)
    }

    @Test func peaceIsRemembered() {
        var fights = Fights()
        for _ in 0..<4 { fights.repaired(["a"], at: 0) }
        fights.repaired(["a"], at: 13_900)
        #expect(fights.count(of: ["a"]) == 5)
        fights.repaired(["a"], at: 13_900 + 8000 + 10_001)
        #expect(fights.count(of: ["a"]) == 1)
    }

    @Test func whatFailedIsNotTriedAtOnce() {
        var fights = Fights()
        fights.failed(["a"], at: 0)
        #expect(fights.delay(of: ["a"], at: 0) == 1000)
        fights.failed(["a"], at: 1000)
        #expect(fights.delay(of: ["a"], at: 1000) == 2000)
        fights.forget()
        #expect(fights.delay(of: ["a"], at: 1000) == 0)
    }

    /// Somebody who finds something new each time is bounded, too.
    @Test func theyTakeNoMemoryWithoutEnd() {
        var fights = Fights()
        for number in 0..<30_000 { fights.repaired(["thing \(number)"], at: Int64(number) * 100_000) }
        #expect(fights.count(of: ["thing 0"]) == 0)
        #expect(fights.count(of: ["thing 29999"]) == 1)
    }

    @Test func aBurstIsOneLookAndNoiseIsLookedAtRarely() {
        var pace = Pace()
        #expect(pace.due(at: 1000, from: [.host]) == 1000 + Pace.pause)
        pace.looked(from: 1020, to: 1060, because: [.host], foundAny: true)
        #expect(pace.due(at: 1061, from: [.host]) == 1061 + Pace.pause)
        // After a repair the kernel tells of it.
        for _ in 0..<2 { pace.looked(from: 1060, to: 1100, because: [.host], foundAny: false) }
        #expect(pace.due(at: 1100, from: [.host]) == 1100 + Pace.pause)
        pace.looked(from: 1120, to: 1160, because: [.host], foundAny: false)
        #expect(pace.due(at: 1160, from: [.host]) == 1160 + 80)
        pace.looked(from: 1240, to: 1280, because: [.host], foundAny: false)
        #expect(pace.due(at: 1280, from: [.host]) == 1280 + 160)
        for _ in 0..<100 { pace.looked(from: 1300, to: 1340, because: [.host], foundAny: false) }
        #expect(pace.due(at: 1340, from: [.host]) == 1340 + Pace.longest)
        // Looking costs no more than its share, and what was quiet for a while is heard at once.
        #expect(pace.due(at: 5000, from: [.host]) == 5000 + Pace.pause)
    }

    @Test func noiseInOnePlaceIsNoneInAnother() {
        var pace = Pace()
        for _ in 0..<100 { pace.looked(from: 1000, to: 1040, because: [.firewall], foundAny: false) }
        #expect(pace.due(at: 1040, from: [.firewall]) == 1040 + Pace.longest)
        #expect(pace.due(at: 1040, from: [.compartments]) == 1040 + Pace.pause)
        #expect(pace.due(at: 1040, from: [.firewall, .host]) == 1040 + Pace.pause)
    }

    @Test func whatIsUndoneMeanwhileIsContested() {
        var fights = Fights()
        fights.thwarted(["a", "b"], by: ["a"], at: 0)
        #expect(fights.delay(of: ["a"], at: 0) == 0)
        #expect(fights.contested(at: 0) == ["a"])
        fights.repaired(["a", "b"], at: 100)
        #expect(fights.contested(at: 100) == ["a"])
        for _ in 0..<2 { fights.repaired(["b"], at: 200) }
        #expect(fights.contested(at: 200) == ["a", "b"])
        #expect(fights.contested(at: 100_000) == [])
    }

    @Test(.enabled(if: Watched.needs, Comment(rawValue: Watched.needsText)))
    func whoeverFightsIsNamedAndWaitedFor() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"))
        let fighter = try watched.host.start(["sh", "-c", "while :; do nft flush table inet bulkhead; sleep 1; done"])
        defer { fighter.signal(SIGKILL) }
        let fought = try watched.wait(for: "fought")
        #expect((fought["authors"] as? [String])?.contains { $0.hasPrefix("nft (pid ") } == true, "\(fought)")
        #expect("\(fought["message"] ?? "")".contains(" times in a row, and needed again; the next time is in "))
    }

    @Test(.enabled(if: Watched.needs, Comment(rawValue: Watched.needsText)))
    func somethingElseIsPutRightDuringAFight() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"), Watched.endpoint("b"))
        let loop = "while :; do ip link set bh-web mtu 1400; sleep 1; done"
        let fighter = try watched.host.start(["sh", "-c", loop])
        // By the third time the wait is longer than what follows takes.
        for _ in 0..<3 { try watched.wait(for: "fought") }
        try watched.host.sh("ip link del ep-a")
        // On a busy machine what is fought over may come first all the same.
        try watched.waitForRepair(of: "create veth ep-a")
        try watched.until("the other repair does not come along") {
            try watched.host.sh("ip link show bh-web").contains("mtu 1500")
        }
        #expect(try watched.host.sh("ip link show ep-a").contains("bh-web"))
        fighter.signal(SIGKILL)
        _ = try fighter.finish()
        try watched.settle()
        let repairs = watched.documents.count { $0["event"] as? String == "repaired" }
        #expect(repairs < 30)
    }

    /// Who flushes all rules so often that no repair of them is ever there when it is read back keeps no card away.
    @Test(.enabled(if: Watched.needs, Comment(rawValue: Watched.needsText)))
    func whoeverFlushesWithoutEndKeepsNothingElseAway() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"), Watched.endpoint("b"))
        let fighter = try watched.host.start(["sh", "-c", "while :; do nft flush ruleset; sleep 0.05; done"])
        defer { fighter.signal(SIGKILL) }
        try watched.wait(for: "fought")
        for name in ["a", "b", "a", "b"] {
            try watched.host.sh("ip link del ep-\(name)")
            try watched.until("card ep-\(name) stays away") {
                try watched.host.sh("ip -o link show").contains(" ep-\(name)@")
            }
        }
        fighter.signal(SIGKILL)
        _ = try fighter.finish()
        try watched.settle()
        #expect(!watched.documents.contains { $0["event"] as? String == "broken" }, "\(watched.documents)")
    }

    /// A fight does not push out of the history what people did.
    @Test(.enabled(if: Watched.needs, Comment(rawValue: Watched.needsText)))
    func theHistoryKeepsFewRepairs() throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Watched.network)
        #expect(try host.bulkhead("apply", "--yes", "manifests").status == 0)
        let watched = try Watched(on: host)
        try watched.settle()
        try host.sh("ip link set bh-web mtu 1400")
        try watched.wait(for: "repaired")
        #expect(try watched.stop() == 0)
        // As many as a fight of hours would leave.
        try host.sh(
            "cd state/history; for i in $(seq 3 80); do sed \"s/\\\"number\\\": 2,/\\\"number\\\": $i,/\" 2.json > $i.json; done"
        )
        let again = try Watched(on: host)
        try again.settle()
        try host.sh("ip link set bh-web mtu 1400")
        try again.wait(for: "repaired")
        try again.until("old repairs stay") {
            try host.sh("ls state/history | grep -c json").trimmingCharacters(in: .newlines) == "51"
        }
        let history = try host.bulkhead("history").output
        #expect(history.contains("apply"), "\(history)")
        #expect(!history.contains("damaged"), "\(history)")
    }
}
