import Foundation
import TestSupport
import Testing

/// What happens to connections when a policy changes: cut at once, or kept.
@Suite struct RevocationTests {
    private static let open = "appliesTo: {endpoints: {matchLabels: {app: a}}}\ningress: {default: allow}"

    private func deny(_ keep: String = "") -> String {
        """
        appliesTo: {endpoints: {matchLabels: {app: a}}}
        \(keep)
        ingress:
          default: allow
          rules: [{name: no-b, action: deny, from: [{endpoints: {matchLabels: {app: b}}}]}]
        """
    }

    @Test(arguments: ["10.88.0.10", "fd00:88::10"])
    func aRuleThatDeniesCutsConnectionsAtOnceAndLeavesOthersAlone(_ address: String) throws {
        let web = try PolicyHost(["a", "b", "c"])
        try web.policies([("a-in", Self.open)])
        try web.apply()
        try web.serve("a", "echo-tcp", address, "80")
        try web.serve("a", "echo-tcp", address, "81")
        let denied = try web.talk("b", address, 80)
        let spared = try web.talk("c", address, 81)
        #expect(try denied.ask("?") == "alive")
        #expect(try spared.ask("?") == "alive")
        try web.policies([("a-in", deny())])
        try web.apply()
        #expect(try denied.ask("1") == "cut")
        #expect(try spared.ask("?") == "alive")
        #expect(try web.probe("b", "tcp", address, "80", "0.5") == "silent")
    }

    @Test func onRevokeKeepLetsThemLiveOnAndStopsNewOnes() throws {
        let web = try PolicyHost(["a", "b"])
        try web.policies([("a-in", Self.open)])
        try web.apply()
        try web.serve("a", "echo-tcp", "10.88.0.10", "80")
        let kept = try web.talk("b", "10.88.0.10", 80)
        try web.policies([("a-in", deny("onRevoke: keep"))])
        try web.apply()
        #expect(try kept.ask("?") == "alive")
        #expect(try web.probe("b", "tcp", "10.88.0.10", "80", "0.5") == "silent")
    }

    @Test func aPolicyThatGoesWhereIsolationDeniesCuts() throws {
        let web = try PolicyHost(["a", "b"], network: "  isolation: {intraNetwork: deny}")
        try web.policies([("a-in", Self.open)])
        try web.apply()
        try web.serve("a", "echo-tcp", "10.88.0.10", "80")
        let cut = try web.talk("b", "10.88.0.10", 80)
        #expect(try cut.ask("?") == "alive")
        try web.policies([("a-in", "appliesTo: {endpoints: {matchLabels: {app: a}}}\negress: {default: allow}")])
        try web.apply()
        #expect(try cut.ask("1") == "cut")
    }

    @Test func aRunThatDiesBeforeCuttingIsMadeUpForByTheNext() throws {
        let web = try PolicyHost(["a", "b"])
        try web.policies([("a-in", Self.open)])
        try web.apply()
        try web.serve("a", "echo-tcp", "10.88.0.10", "80")
        let cut = try web.talk("b", "10.88.0.10", 80)
        try web.policies([("a-in", deny())])
        let plan = try web.host.bulkhead("plan", "manifests", "--output", "json")
        let found = try Self.position(of: "connections", in: plan.output)
        let place = try #require(found)
        let died = try web.host.bulkhead(
            "apply", "manifests", "--yes", environment: ["BULKHEAD_FAULT": "kill-before:\(place)"])
        #expect(died.status == 128 + SIGKILL)
        #expect(try cut.ask("?") == "alive")
        try web.apply()
        #expect(try cut.ask("1") == "cut")
    }

    private static let fromB = """
        appliesTo: {endpoints: {matchLabels: {app: a}}}
        ingress: {default: deny, rules: [{name: from-b, action: allow, from: [{endpoints: {matchLabels: {app: b}}}]}]}
        """

    private func change(_ web: PolicyHost, _ edits: (String, String)...) throws {
        let file = web.host.folder.appendingPathComponent("manifests/base.yaml")
        var text = try String(contentsOf: file, encoding: .utf8)
        for (old, new) in edits {
            #expect(text.contains(old))
            text = text.replacingOccurrences(of: old, with: new)
        }
        try web.host.write("base.yaml", text)
    }

    /// Also connections that came while the rules were being changed.
    @Test func whoLosesAPermissionByItsLabelKeepsNoConnection() throws {
        let web = try PolicyHost(["a", "b", "c"])
        try web.policies([("a-in", Self.fromB)])
        try web.apply()
        try web.serve("a", "echo-many", "10.88.0.10", "80")
        // A busy machine may not come to open one at once.
        var alive = 0
        for tries in 1...10 where alive == 0 {
            alive = try web.storm("b", "10.88.0.10", 80) { Thread.sleep(forTimeInterval: 0.2 * Double(tries)) }.alive
        }
        #expect(alive > 0)
        // c goes at the same time, so that rules are left over until its link is gone.
        try change(
            web, ("labels: {app: b}", "labels: {app: x}"),
            (
                "spec: {network: web, addresses: [10.88.0.12",
                "spec: {enabled: false, network: web, addresses: [10.88.0.12"
            ))
        #expect(try web.storm("b", "10.88.0.10", 80) { try web.apply() }.alive == 0)
    }

    /// An address means one endpoint alone from the moment on at which the rules change.
    @Test func whoGetsTheAddressOfOneThatMayGetsNothingOfIt() throws {
        let web = try PolicyHost(["a", "b", "c"])
        try web.policies([("a-in", Self.fromB)])
        try web.apply()
        try web.serve("a", "echo-many", "10.88.0.10", "80")
        try change(
            web, ("[10.88.0.11, \"fd00:88::11\"]", "[SWAP]"),
            ("[10.88.0.12, \"fd00:88::12\"]", "[10.88.0.11, \"fd00:88::11\"]"),
            ("[SWAP]", "[10.88.0.12, \"fd00:88::12\"]"))
        let storm = try web.storm("c", "10.88.0.10", 80) { try web.apply() }
        #expect(storm.opened == 0)
        #expect(storm.alive == 0)
        #expect(try web.probe("c", "tcp", "10.88.0.10", "80", "0.5") == "silent")
    }

    /// The host is on both ends of what it sends to a published port, until that is translated.
    @Test(arguments: [true, false]) func whatTheHostSendsToAPublishedPortIsCutToo(byPolicy: Bool) throws {
        let web = try PolicyHost(["a"])
        let (closed, open) = (
            "\"fd00:88::10\"]}", "\"fd00:88::10\"], portMappings: [{hostPort: 8080, port: 80}]}"
        )
        try change(web, (closed, open))
        try web.apply()
        try web.serve("a", "echo-many", "10.88.0.10", "80")
        let client = try web.host.start(
            ["python3", PolicyHost.probe, "talk-tcp", "10.88.0.1", "8080", "9", "60"], hasInput: true)
        defer { client.signal(SIGKILL) }
        client.waitForOutput()
        #expect(try client.ask("?") == "alive")
        if byPolicy {
            try web.policies([("a-in", "appliesTo: {endpoints: {matchLabels: {app: a}}}\ningress: {default: deny}")])
        } else {
            try change(web, (open, closed))
        }
        try web.apply()
        #expect(try client.ask("1") == "cut")
    }

    private static func position(of id: String, in plan: String) throws -> Int? {
        let document = try JSONSerialization.jsonObject(with: Data(plan.utf8)) as? [String: Any]
        return (document?["steps"] as? [[String: Any]])?.firstIndex { $0["id"] as? String == id }
    }

    @Test func aPublishedPortThatGoesCutsItsConnections() throws {
        let web = try PolicyHost(["a"])
        let outside = try ScratchHost()
        try web.host.connect("uplink", ["192.0.2.1/24"], to: outside, "eth0", ["192.0.2.2/24"])
        let base = try String(
            contentsOf: web.host.folder.appendingPathComponent("manifests/base.yaml"), encoding: .utf8)
        let open = base.replacingOccurrences(
            of: "\"fd00:88::10\"]}", with: "\"fd00:88::10\"], portMappings: [{hostPort: 8080, port: 80}]}")
        #expect(open != base)
        try web.host.write("base.yaml", open)
        try web.apply()
        try web.serve("a", "echo-tcp", "10.88.0.10", "80")
        let client = try outside.start(
            ["python3", PolicyHost.probe, "talk-tcp", "192.0.2.1", "8080", "9", "60"], hasInput: true)
        defer { client.signal(SIGKILL) }
        client.waitForOutput()
        #expect(try client.ask("?") == "alive")
        try web.host.write("base.yaml", base)
        try web.apply()
        #expect(try client.ask("1") == "cut")
    }
}
