import Foundation
import TestSupport
import Testing

/// Forwarding of all interfaces is written to each of them by the kernel, in which order the manifests have them.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct DraggedSettingTests {
    private static let web = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}, {prefix: "fd00:88::/64"}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: e}
        spec: {network: web, compartment: c, addresses: [10.88.0.10, "fd00:88::10"]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Compartment
        metadata: {name: c}
        """

    private func declare(_ sysctls: String, _ host: ScratchHost) throws {
        try host.declare("\(Self.web)\nspec: {sysctls: {\(sysctls)}}")
    }

    /// Values of `forwarding` inside: all, default, lo and eth0, with those of accept_redirects of all for IPv4.
    private func values(_ family: String, _ host: ScratchHost) throws -> String {
        let names = ["all", "default", "lo", "eth0"].map { "net.\(family).conf.\($0).forwarding" }
        let list = (names + (family == "ipv4" ? ["net.ipv4.conf.all.accept_redirects"] : [])).joined(separator: " ")
        return try host.sh("ip netns exec c sysctl -n \(list)").split(separator: "\n").joined(separator: " ")
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let family: String
        let before: String
        let after: String
        /// By hand, when the first is in force.
        var hand = ""
        let values: String
        var testDescription: String { "\(family): \(before) → \(after) \(hand)" }
    }

    private static func key(_ family: String, _ interface: String) -> String {
        "net.\(family).conf.\(interface).forwarding"
    }

    static let cases = ["ipv4", "ipv6"].flatMap { family in
        let (all, card, loopback) = (key(family, "all"), key(family, "eth0"), key(family, "lo"))
        let redirects = family == "ipv4" ? " 0" : ""
        return [
            Case(family: family, before: "", after: "\(card): '1'", values: "0 0 0 1\(redirects)"),
            Case(family: family, before: "\(all): '1'", after: "\(card): '1'", values: "0 0 0 1\(redirects)"),
            Case(family: family, before: "", after: "\(card): '0', \(all): '1'", values: "1 1 1 0\(redirects)"),
            Case(
                family: family, before: "\(card): '1', \(loopback): '1'", after: "\(card): '1', \(loopback): '1'",
                hand: "sysctl -qw \(all)=1", values: "0 0 1 1\(redirects)"),
            Case(
                family: family, before: "\(card): '1', \(loopback): '1'", after: "\(all): '1', \(loopback): '0'",
                hand: "sysctl -qw \(all)=1 \(card)=0", values: "1 1 0 1\(redirects)"),
        ]
    }

    @Test(arguments: cases) func comesToStayAndIsUndone(_ item: Case) throws {
        let host = try ScratchHost()
        try declare(item.before, host)
        #expect(try host.apply("--quiet").status == 0)
        if !item.hand.isEmpty { try host.sh("ip netns exec c \(item.hand)") }
        let before = try HostDump(host)
        try declare(item.after, host)
        let plan = try host.bulkhead("plan", "manifests", "--output", "json")
        let steps = plan.output.components(separatedBy: "\"action\"").count - 1
        #expect(steps > 0, "\(plan.output)\(plan.errors)")
        for step in 0..<steps {
            for fault in ["refuse:\(step)", "refuse:\(step):1"] {
                let refused = try host.apply("--quiet", fault: fault)
                // Not every step has a second operation.
                guard refused.status == 1 else { continue }
                let differences = try HostDump(host).differences(from: before)
                #expect(differences == [], "\(fault): \(differences)")
            }
            if try host.bulkhead("drift", "manifests").status == 0 { break }
        }
        let done = try host.apply("--quiet")
        #expect(done.status == 0, "\(done.errors)")
        #expect(try values(item.family, host) == item.values)
        #expect(try host.bulkhead("drift", "manifests").status == 0)
    }
}
