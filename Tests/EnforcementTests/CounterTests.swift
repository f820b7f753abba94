import Foundation
import TestSupport
import Testing

/// A change touches what it changes: counters of other rules go on.
@Suite struct CounterTests {
    private func policy(_ port: Int, _ more: String = "") -> String {
        """
        appliesTo: {endpoints: {matchLabels: {app: a}}}
        ingress:
          default: deny
          rules:
            - {name: first, action: allow, from: [{endpoints: {matchLabels: {app: b}}}], protocols: [{protocol: tcp, ports: [80]}]}
            - {name: changed, action: deny, protocols: [{protocol: tcp, ports: [\(port)]}]}
        \(more)    - {name: last, action: deny, protocols: [{protocol: udp, ports: [53]}]}
        """
    }

    /// Packets of the rules with this comment.
    private func packets(_ web: PolicyHost, _ comment: String) throws -> Int {
        let list = try web.host.sh("nft list table inet bulkhead")
        return list.split(separator: "\n").filter { $0.contains("comment \"\(comment)\"") }.compactMap { line in
            line.components(separatedBy: "counter packets ").last?.split(separator: " ").first.flatMap { Int($0) }
        }.reduce(0, +)
    }

    @Test func countersOfOtherRulesGoOnWhenOneIsChangedAddedOrRemoved() throws {
        let web = try PolicyHost(["a", "b"])
        try web.policies([("a-in", policy(81))])
        try web.apply()
        try web.serve("a", "serve-tcp", "10.88.0.10", "80")
        #expect(try web.probe("b", "tcp", "10.88.0.10", "80", "60") == "10.88.0.11")
        #expect(try web.probe("b", "udp", "10.88.0.10", "53", "0.3") == "silent")
        #expect(try packets(web, "a-in/ingress/first") == 1)
        #expect(try packets(web, "a-in/ingress/last") == 1)
        let extra = "    - {name: extra, action: deny, protocols: [{protocol: tcp, ports: [90]}]}\n"
        for spec in [policy(82), policy(82, extra), policy(83, extra), policy(83)] {
            try web.policies([("a-in", spec)])
            try web.apply()
            #expect(try packets(web, "a-in/ingress/first") == 1)
            #expect(try packets(web, "a-in/ingress/last") == 1)
        }
        #expect(try web.probe("b", "tcp", "10.88.0.10", "80", "60") == "10.88.0.11")
        #expect(try packets(web, "a-in/ingress/first") == 2)
    }
}
