import Foundation
import TestSupport
import Testing

/// What a service owes whoever runs it.
@Suite(.enabled(if: Watched.needs, Comment(rawValue: Watched.needsText))) struct ServiceTests {
    /// Writes down what is sent to the socket, one datagram a line.
    private static let listener = """
        import os, socket, sys
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind("\\0" + sys.argv[1][1:] if sys.argv[1][0] == "@" else sys.argv[1])
        print("bound", flush=True)
        with open("notices", "a") as f:
            while True:
                f.write(s.recv(4096).decode().strip().replace("\\n", " ") + "\\n")
                f.flush()
        """

    private func notices(_ host: ScratchHost) -> [String] {
        let text = (try? String(contentsOf: host.folder.appendingPathComponent("notices"), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    @Test(arguments: ["path", "abstract"]) func itTellsHowItIs(_ kind: String) throws {
        let host = try ScratchHost()
        let address = kind == "path" ? "/run/notify" : "@bulkhead-\(UUID().uuidString)"
        let listener = try host.start(["python3", "-c", Self.listener, address])
        defer { listener.signal(SIGKILL) }
        listener.waitForOutput()
        try host.write("all.yaml", Watched.network)
        let watched = try Watched(
            on: host, environment: ["NOTIFY_SOCKET": address, "WATCHDOG_USEC": "600000"])
        try watched.until("it is not ready") { notices(host).contains { $0.hasPrefix("READY=1 STATUS=keeping ") } }
        // Signs of life come also while nothing else happens.
        let beats = notices(host).count { $0 == "WATCHDOG=1" }
        try watched.until("no sign of life") { notices(host).count { $0 == "WATCHDOG=1" } > beats + 3 }
        try host.write("all.yaml", Watched.network + Watched.endpoint("a"))
        watched.process.signal(SIGHUP)
        try watched.wait(for: "reloaded")
        // Who writes them down may be late.
        try watched.until("it does not say that it reloads") {
            notices(host).contains { $0.hasPrefix("RELOADING=1 ") }
        }
        let words = try #require(notices(host).first { $0.hasPrefix("RELOADING=1 ") })
        #expect(words.wholeMatch(of: #/RELOADING=1 MONOTONIC_USEC=[1-9]\d*/#) != nil, "\(words)")
        try watched.until("it is not ready again") { notices(host).count { $0.hasPrefix("READY=1 ") } == 2 }
        #expect(try watched.stop() == 0)
        try watched.until("it does not say that it stops") { notices(host).last == "STOPPING=1" }
    }

    @Test(arguments: [SIGTERM, SIGINT]) func itStopsCleanly(_ signal: Int32) throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"))
        #expect(try watched.stop(signal) == 0)
        #expect(watched.documents.last?["event"] as? String == "stopped")
        #expect(try watched.host.bulkhead("drift", "manifests").status == 0)
    }

    /// A repair that was begun is finished first.
    @Test func itIsNotStoppedHalfWay() throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Watched.network + Watched.endpoint("a") + Watched.endpoint("b"))
        for _ in 0..<5 {
            let watched = try Watched(on: host)
            try watched.unseen { try host.sh("nft flush ruleset; ip link del ep-a; ip netns del b") }
            usleep(UInt32.random(in: 0..<300_000))
            #expect(try watched.stop() == 0)
            let history = try host.bulkhead("history").output
            #expect(!history.contains("interrupted") && !history.contains("undone"), "\(history)")
        }
        #expect(try host.bulkhead("apply", "--yes", "--quiet", "manifests").status == 0)
    }

    @Test func wrongManifestsOnReloadChangeNothing() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"))
        let host = watched.host
        try host.write("bad.yaml", "kind: Nonsense\n")
        watched.process.signal(SIGHUP)
        let rejected = try watched.wait(for: "rejected")
        let words = "\(rejected["message"] ?? "")"
        #expect(words.hasPrefix("the manifests are not put in force: manifests/bad.yaml:1:1: "), "\(words)")
        #expect(words.hasSuffix("; manifests as read before stays in force"), "\(words)")
        try host.sh("ip link del ep-a")
        try watched.waitForRepair(of: "create veth ep-a")
        try host.sh("rm manifests/bad.yaml")
        watched.process.signal(SIGHUP)
        try watched.wait(for: "reloaded")
        // Neither is an empty folder an order to delete everything.
        try host.sh("mv manifests/all.yaml .")
        watched.process.signal(SIGHUP)
        try watched.wait(for: "rejected")
        #expect(try host.sh("ip link show ep-a").contains("bh-web"))
    }

    @Test func whatIsWrongFromTheBeginningEndsIt() throws {
        let host = try ScratchHost()
        try host.write("all.yaml", "kind: Nonsense\n")
        let wrong = try host.bulkhead("watch", "manifests")
        #expect(wrong.status == 1)
        #expect(wrong.errors.hasPrefix("manifests/all.yaml:1:1: error: "), "\(wrong.errors)")
        try host.write("all.yaml", Watched.network)
        try host.sh("ip link add bh-web type bridge")
        let refused = try host.bulkhead("watch", "manifests")
        #expect(refused.status == 1)
        #expect(
            refused.output.hasPrefix("watch default: the manifests are not put in force: manifests/all.yaml:"),
            "\(refused)")
        #expect(try host.bulkhead("watch", "-", input: Watched.network).status == 64)
        #expect(try host.bulkhead("watch", "--in-force", "manifests").status == 64)
        #expect(try host.bulkhead("watch", "--interval", "0s", "manifests").status == 64)
    }

    @Test func thereIsOneWatchOfAScope() throws {
        let watched = try Watched(Watched.network)
        let second = try watched.host.bulkhead("watch", "manifests")
        #expect(second.status == 75)
        #expect(
            second.errors.hasPrefix(
                "bulkhead: another watch of scope default is at work (pid \(watched.process.processID), "),
            "\(second.errors)")
    }

    /// Beside a timer: a round says what is in force, and drift need not wait for the next one.
    @Test func whatARoundAppliedIsKept() throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Watched.network)
        try host.sh(
            """
            git init -q -b main repository; mv manifests repository/net; cd repository; git add .
            git -c user.name=a -c user.email=a@example.test commit -qm one
            """)
        let watched = try Watched(on: host, ["--in-force"], paths: [])
        #expect(
            watched.documents.last?["message"] as? String == "nothing is to be kept in force; listening in 1 namespaces"
        )
        #expect(try host.bulkhead("reconcile", "--repo", "repository", "--path", "net").status == 0)
        try watched.wait(for: "following")
        try host.sh("ip link set bh-web mtu 1400")
        try watched.waitForRepair(of: "change bh-web: mtu 1400")
        #expect(try watched.stop() == 0)
        let again = try Watched(on: host, ["--in-force"], paths: [])
        try host.sh("ip link set bh-web mtu 1400")
        try again.waitForRepair(of: "change bh-web: mtu 1400")
        let round = try host.bulkhead("reconcile", "--repo", "repository", "--path", "net")
        #expect(round.status == 0, "\(round)")
        #expect(round.output.hasPrefix("reconcile default: in sync with commit "), "\(round)")
    }
}
