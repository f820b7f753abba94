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
        #expect(try denied.ask("?") == "cut")
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
        #expect(try cut.ask("?") == "cut")
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
        #expect(try cut.ask("?") == "cut")
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
            ["python3", PolicyHost.probe, "talk-tcp", "192.0.2.1", "8080", "9", "1"], hasInput: true)
        defer { client.signal(SIGKILL) }
        client.waitForOutput()
        #expect(try client.ask("?") == "alive")
        try web.host.write("base.yaml", base)
        try web.apply()
        #expect(try client.ask("?") == "cut")
    }
}
