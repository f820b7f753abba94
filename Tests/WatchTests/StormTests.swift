import Foundation
import TestSupport
import Testing

/// More is told than anybody can look at.
@Suite(.enabled(if: Watched.needs, Comment(rawValue: Watched.needsText))) struct StormTests {
    /// Routes come and go on an interface that is nobody's; two notices each.
    private static func storm(_ count: Int) -> String {
        """
        awk 'BEGIN { for (i = 0; i < \(count / 2); i++) {
            a = "198.18." int(i / 250) % 250 "." i % 250 "/32 dev lo table 77"; print "route add " a; print "route del " a } }' \
            | ip -batch -
        """
    }

    /// Kilobytes of memory that the process has (`VmRSS`, `proc(5)`).
    private static func memory(_ watched: Watched) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(watched.process.processID)/status", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return try #require(line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
    }

    /// How many notices it has heard.
    private static func heard(_ watched: Watched) -> Int {
        watched.errors.matches(of: #/looked: (\d+) notices/#).compactMap { Int($0.1) }.reduce(0, +)
    }

    @Test func memoryIsSteadyOverAHundredThousandEvents() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"))
        func storms(_ count: Int) throws {
            for _ in 0..<count {
                try watched.host.sh(Self.storm(20_000))
                try watched.host.sh("ip address del 10.88.0.1/24 dev bh-web")
                try watched.waitForRepair(of: "add address 10.88.0.1/24")
            }
            try watched.settle()
        }
        // What is taken once is kept.
        try storms(2)
        let (before, heard) = (try Self.memory(watched), Self.heard(watched))
        // On a busy machine the kernel drops most of what is told.
        for _ in 0..<40 where Self.heard(watched) - heard <= 50_000 { try storms(5) }
        let after = try Self.memory(watched)
        print(
            "memory before \(before) kB, after \(after) kB, of \(Self.heard(watched) - heard) notices in \(watched.looks) looks"
        )
        #expect(after - before < 8192, "\(before) kB before, \(after) kB after")
        #expect(Self.heard(watched) - heard > 50_000)
    }

    /// What found no room is read from the kernel.
    @Test func lostNoticesAreMadeUpFor() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"))
        try watched.settle()
        watched.process.signal(SIGSTOP)
        #expect(watched.process.waitForStop())
        try watched.host.sh(Self.storm(60_000))
        try watched.host.sh("ip address del 10.88.0.1/24 dev bh-web; nft flush ruleset; ip netns del a")
        watched.process.signal(SIGCONT)
        try watched.waitForRepair(of: "create namespace a")
        try watched.settle()
        #expect(watched.errors.contains("notices, some were lost; "), "\(watched.errors)")
    }

    /// Whoever is root in a compartment keeps it from nobody else's drift.
    @Test(arguments: [
        "while :; do ip link add d0 type bridge; ip link del d0; done",
        "while :; do ip route replace default via 10.88.0.77; sleep .02; done",
    ]) func aCompartmentIsNoise(_ loop: String) throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"), Watched.endpoint("b"))
        let noise = try watched.host.start(["ip", "netns", "exec", "a", "sh", "-c", loop])
        for _ in 0..<3 {
            sleep(1)
            try watched.host.sh("ip netns exec b ip route del default")
            try watched.waitForRepair(of: "add route default via 10.88.0.1 on eth0 in b")
        }
        noise.signal(SIGKILL)
        _ = try noise.finish()
        try watched.settle()
    }
}
