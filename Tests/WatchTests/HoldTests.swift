import Foundation
import TestSupport
import Testing

/// Who keeps `watch` from repairing: people who apply something else, wait for a confirmation, or suspend it.
@Suite(.enabled(if: Watched.needs, Comment(rawValue: Watched.needsText))) struct HoldTests {
    private func links(_ host: ScratchHost) throws -> [String] {
        try host.sh("ip -o link show | sed -n 's/^[0-9]*: ep-\\([^@:]*\\).*/\\1/p'").split(separator: "\n").map(
            String.init
        )
        .sorted()
    }

    @Test func whatSomebodyAppliesIsKept() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"))
        let host = watched.host
        try host.write("all.yaml", Watched.network + Watched.endpoint("b"))
        #expect(try host.bulkhead("apply", "--yes", "--quiet", "manifests").status == 0)
        let following = try watched.wait(for: "following")
        #expect("\(following["message"] ?? "")".contains("(apply by "), "\(following)")
        try host.sh("ip link del ep-b")
        try watched.waitForRepair(of: "create veth ep-b")
        #expect(try links(host) == ["b"])
        // So is what somebody goes back to.
        let number = try host.sh("ls state/history | grep -c json").trimmingCharacters(in: .newlines)
        #expect(try host.bulkhead("rollback", "1", "--yes", "--quiet").status == 0)
        try watched.wait(for: "following")
        try host.sh("ip link set bh-web mtu 1400")
        try watched.waitForRepair(of: "change bh-web: mtu 1400")
        #expect(try links(host) == ["a"], "\(number)")
        // Nobody is kept from destroying.
        #expect(try host.bulkhead("destroy", "--all", "--yes", "--quiet").status == 0)
        let nothing = try watched.wait(for: "following")
        #expect("\(nothing["message"] ?? "")".contains("took away what was in force"), "\(nothing)")
        sleep(1)
        #expect(try host.run(["ip", "link", "show", "bh-web"]).status != 0)
        // Whoever says so gets the files of now.
        watched.process.signal(SIGHUP)
        try watched.wait(for: "reloaded")
        #expect(try links(host) == ["b"])
    }

    @Test func manifestsFromWhichSomebodyWentBackAreNotPutInForceByAStart() throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Watched.network + Watched.endpoint("a"))
        #expect(try host.bulkhead("apply", "--yes", "--quiet", "manifests").status == 0)
        try host.write("all.yaml", Watched.network + Watched.endpoint("b"))
        #expect(try host.bulkhead("apply", "--yes", "--quiet", "manifests").status == 0)
        #expect(try host.bulkhead("rollback", "1", "--yes", "--quiet").status == 0)
        let watched = try Watched(on: host)
        #expect(watched.documents.first.map { "\($0["message"] ?? "")" }?.contains("went back from these") == true)
        #expect(try links(host) == ["a"])
        watched.process.signal(SIGHUP)
        try watched.wait(for: "reloaded")
        #expect(try links(host) == ["b"])
    }

    @Test func aChangeThatWaitsForItsConfirmationIsLeftAlone() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"))
        let host = watched.host
        try watched.settle()
        try host.write("all.yaml", Watched.network + Watched.endpoint("b"))
        #expect(try host.bulkhead("apply", "--yes", "--quiet", "--confirm-within", "1h", "manifests").status == 0)
        func waitForWords() throws {
            while !"\(try watched.wait(for: "waiting")["message"] ?? "")".contains("waits for its confirmation") {}
        }
        try waitForWords()
        try host.sh("ip link set bh-web mtu 1400")
        sleep(1)
        #expect(try host.sh("ip link show bh-web").contains("mtu 1400"))
        try host.sh("ip link set bh-web mtu 1500")
        let reverted = try host.bulkhead("revert")
        #expect(reverted.status == 0, "\(reverted)")
        try host.sh("ip link set bh-web mtu 1400")
        try watched.waitForRepair(of: "change bh-web: mtu 1400")
        #expect(try links(host) == ["a"])
        #expect(try host.bulkhead("apply", "--yes", "--quiet", "--confirm-within", "1h", "manifests").status == 0)
        try waitForWords()
        #expect(try host.bulkhead("confirm").status == 0)
        try watched.wait(for: "following")
        try host.sh("ip link set bh-web mtu 1400")
        try watched.waitForRepair(of: "change bh-web: mtu 1400")
        #expect(try links(host) == ["b"])
    }

    @Test func whileItIsSuspendedNothingIsRepaired() throws {
        let watched = try Watched(Watched.network)
        let host = watched.host
        try watched.settle()
        #expect(try host.bulkhead("suspend", "--reason", "moving the rack").status == 0)
        try host.sh("ip link set bh-web mtu 1400")
        let waiting = try watched.wait(for: "waiting")
        #expect("\(waiting["message"] ?? "")".hasSuffix(": moving the rack"), "\(waiting)")
        #expect(try host.sh("ip link show bh-web").contains("mtu 1400"))
        #expect(try host.bulkhead("resume").status == 0)
        try watched.waitForRepair(of: "change bh-web: mtu 1400")
    }

    @Test func somebodyElsesWorkIsWaitedFor() throws {
        let watched = try Watched(Watched.network)
        let host = watched.host
        try watched.settle()
        try host.write("all.yaml", Watched.network + Watched.endpoint("a"))
        let apply = try host.start(
            [ScratchHost.binary, "apply", "--yes", "--quiet", "manifests"],
            environment: ["BULKHEAD_FAULT": "stop-before:2"])
        #expect(apply.waitForStop())
        try host.sh("ip link set bh-web mtu 1400")
        try watched.wait(for: "waiting")
        apply.signal(SIGCONT)
        // What the other one finds changed under its hands is its own business.
        _ = try apply.finish()
        try watched.until("it is not repaired") { try host.sh("ip link show bh-web").contains("mtu 1500") }
    }

    /// Nobody watches, so nobody allows it.
    @Test func nearlyEverythingIsNotDeleted() throws {
        let names = (1...12).map { "e\($0)" }
        let host = try ScratchHost()
        try host.write("all.yaml", Watched.network + names.map { Watched.endpoint($0) }.joined())
        let watched = try Watched(on: host)
        try host.write("all.yaml", Watched.network)
        watched.process.signal(SIGHUP)
        let rejected = try watched.wait(for: "rejected")
        #expect("\(rejected["message"] ?? "")".contains("--allow-mass-delete"), "\(rejected)")
        try watched.settle(among: names)
        try host.sh("ip link del ep-e1")
        try watched.waitForRepair(of: "create veth ep-e1")
        #expect(try links(host) == names.sorted())
    }

    @Test func protectedObjectsAreNotDeleted() throws {
        let protected = """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Endpoint
            metadata: {name: a, annotations: {bulkhead.dev/prevent-destroy: "true"}}
            spec: {network: web}

            """
        let watched = try Watched(Watched.network, protected)
        try watched.host.write("all.yaml", Watched.network)
        watched.process.signal(SIGHUP)
        let rejected = try watched.wait(for: "rejected")
        #expect("\(rejected["message"] ?? "")".contains("prevent-destroy"), "\(rejected)")
        #expect(try links(watched.host) == ["a"])
    }

    /// A container that stops takes its namespace along, and nobody else's protection.
    @Test func anAdoptedNamespaceComesAndGoes() throws {
        let host = try ScratchHost()
        try host.sh("ip netns add ext")
        try host.write(
            "all.yaml",
            Watched.network + Watched.endpoint("a") + Watched.endpoint("shop") + """
                ---
                apiVersion: bulkhead.dev/v1alpha1
                kind: Compartment
                metadata: {name: shop}
                spec: {namespace: {path: /run/netns/ext}}

                """)
        let watched = try Watched(on: host)
        try host.sh("ip netns del ext")
        let words = "the namespace that Compartment/shop adopts is not there: nothing in it was compared"
        try watched.until("it is not said") { watched.documents.contains { $0["message"] as? String == words } }
        try host.sh("nft flush ruleset; ip link set bh-web mtu 1400")
        try watched.until("it is not repaired") {
            try host.sh("nft list tables; ip link show bh-web").matches(of: /table inet bulkhead|mtu 1500/).count == 2
        }
        #expect(try links(host) == ["a"])
        try host.sh("ip netns add ext")
        try watched.waitForRepair(of: "create veth ep-shop")
        try watched.until("it is not as it was") { try host.bulkhead("drift", "manifests").status == 0 }
    }

    /// Whatever stands against the plan, rules are put back.
    @Test func rulesArePutBackBesideAConflict() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"))
        let host = watched.host
        try host.sh("ip link add vpn type bridge; ip address add 10.88.0.77/25 dev vpn; ip link set vpn up")
        let refused = try watched.wait(for: "refused")
        #expect(
            "\(refused["message"] ?? "")".hasPrefix("nothing but rules of the firewall is repaired: "), "\(refused)")
        try host.sh("ip link set bh-web mtu 1400; nft flush ruleset")
        try watched.waitForRepair(of: "create firewall")
        #expect(try host.sh("nft list table inet bulkhead").contains("chain forward"))
        try host.sh("ip link del vpn")
        try watched.waitForRepair(of: "change bh-web: mtu 1400")
    }
}

extension Watched {
    /// Waits until these endpoints are there.
    func settle(among names: [String]) throws {
        try until("endpoints are missing") {
            let links = try host.sh("ip -o link show")
            return names.allSatisfy { links.contains("ep-\($0)@") || links.contains("ep-\($0):") }
        }
    }
}
