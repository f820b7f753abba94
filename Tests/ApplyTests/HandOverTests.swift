import TestSupport
import Testing

/// The name of a card on the host passes to another endpoint's in one apply.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct HandOverTests {
    struct Case: Sendable, CustomStringConvertible {
        let description: String
        let old: [String]
        let new: [String]
    }

    private static func card(_ name: String, _ spec: String) -> String {
        Manifests.endpoint(name, "hostInterface: \(spec)")
    }

    private static func all(_ cards: [String]) -> String { ([Manifests.web] + cards).joined(separator: "\n---\n") }

    static let cases = [
        Case(description: "renamed", old: [card("old", "web1")], new: [card("new", "web1")]),
        Case(
            description: "renamed in its compartment", old: [card("old", "web1, compartment: c")],
            new: [card("new", "web1, compartment: c")]),
        Case(
            description: "handed on", old: [card("x", "web1"), card("y", "web2")],
            new: [card("x", "web3"), card("y", "web1")]),
        Case(
            description: "swapped", old: [card("x", "web1"), card("y", "web2")],
            new: [card("x", "web2"), card("y", "web1")]),
        Case(
            description: "handed on with MAC and address",
            old: [card("x", "web1, mac: '02:00:00:00:00:07', addresses: [10.88.0.9]")],
            new: [card("y", "web1, mac: '02:00:00:00:00:07', addresses: [10.88.0.9]")]),
    ]

    @Test(arguments: cases) func itPasses(_ one: Case) throws {
        let host = try ScratchHost()
        try host.declare(Self.all(one.old))
        #expect(try host.apply("--quiet").status == 0)
        let before = try HostDump(host)
        // A change that fails gives it back.
        let broken =
            "apiVersion: bulkhead.dev/v1alpha1\nkind: Compartment\nmetadata: {name: z}\n"
            + "spec: {sysctls: {net.ipv4.ip_default_ttl: '077'}}"
        try host.declare(Self.all(one.new + [broken, Manifests.endpoint("z")]))
        let refused = try host.apply("--quiet")
        #expect(refused.status == 1, "\(refused.errors)")
        #expect(try HostDump(host).differences(from: before) == [])
        try host.declare(Self.all(one.new))
        let apply = try host.apply("--quiet")
        #expect(apply.status == 0, "\(apply.errors)")
        #expect(try host.bulkhead("drift", "manifests").status == 0)
        let changed = try HostDump(host)
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        #expect(try host.apply("--quiet").status == 0)
        #expect(try HostDump(host).differences(from: changed) == [])
    }

    /// One that must not go keeps its name.
    @Test func aProtectedOneKeepsIt() throws {
        let host = try ScratchHost()
        let old = Self.card("old", "web1").replacing(
            "metadata: {name: old}", with: "metadata: {name: old, annotations: {bulkhead.dev/prevent-destroy: 'true'}}")
        try host.declare(Manifests.web, old)
        #expect(try host.apply("--quiet").status == 0)
        try host.declare(Manifests.web, Self.card("new", "web1"))
        let refused = try host.apply("--quiet")
        #expect(refused.status == 1)
        #expect(
            refused.errors.contains(
                "Endpoint/new needs the interface name web1, which Endpoint/old of scope default has"))
    }
}
