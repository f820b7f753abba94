import Model
import Reachability
import TestSupport
import Testing

/// What is said of published ports that come, go, move, or open and close by policies.
@Suite struct PublicationChangeTests {
    private func changes(_ old: String, _ new: String) throws -> [String] {
        let found = ReachabilityChanges(from: try resolve(Self.base + old), to: try resolve(Self.base + new))
        #expect(found.isComplete)
        #expect(found.changes.filter { $0.from == .world && $0.to == .host } == [])
        return found.publications.map { ($0.isOpened ? "+ " : "- ") + $0.description }
    }

    private static let base =
        network("web", "type: nat, subnets: [{prefix: 10.1.0.0/24}, {prefix: \"fd00:1::/64\"}]")
        + network("other", "type: nat, subnets: [{prefix: 10.2.0.0/24}]")
        + document("Endpoint", "web-1", "app: web", "network: web")
        + document("Endpoint", "other-1", "app: other", "network: other")

    private static func lb(_ mapping: String) -> String {
        document("Endpoint", "lb", "app: lb", "network: web, portMappings: [\(mapping)]")
    }

    private static let plain = lb("{hostPort: 8080, port: 80}")
    private static let unpublished = document("Endpoint", "lb", "app: lb", "network: web")

    private static func policy(_ rules: String) -> String {
        document(
            "Policy", "p",
            "appliesTo: {endpoints: {matchLabels: {app: lb}}}, ingress: {default: deny, rules: [\(rules)]}")
    }

    @Test func aPortThatIsPublishedOpensToTheWorld() throws {
        let open = "published tcp 8080 → lb tcp 80: now open to world"
        #expect(try changes(Self.unpublished, Self.plain) == ["+ \(open)"])
        // Also where its endpoint is new.
        #expect(try changes("", Self.plain) == ["+ \(open)"])
        let closed = "published tcp 8080 → lb tcp 80: no longer open to world"
        #expect(try changes(Self.plain, Self.unpublished) == ["- \(closed)"])
        #expect(try changes(Self.plain, "") == ["- \(closed)"])
        #expect(try changes(Self.plain, Self.plain) == [])
    }

    @Test func aPortThatMovesClosesAndOpens() throws {
        #expect(
            try changes(Self.plain, Self.lb("{hostPort: 8080, port: 81}")) == [
                "- published tcp 8080 → lb tcp 80: no longer open to world",
                "+ published tcp 8080 → lb tcp 81: now open to world",
            ])
        let web =
            Self.unpublished.replacing("name: lb", with: "name: lc")
            + Self.plain.replacing("name: lb", with: "name: ld")
        #expect(
            try changes(Self.plain, web) == [
                "- published tcp 8080 → lb tcp 80: no longer open to world",
                "+ published tcp 8080 → ld tcp 80: now open to world",
            ])
    }

    @Test func policiesDecideForWhomItOpens() throws {
        let none = Self.policy("")
        #expect(
            try changes(Self.unpublished + none, Self.plain + none) == [
                "+ published tcp 8080 → lb tcp 80: now published, open to nobody"
            ])
        #expect(
            try changes(Self.plain + none, Self.unpublished + none) == [
                "- published tcp 8080 → lb tcp 80: no longer published, was open to nobody"
            ])
        #expect(
            try changes(Self.plain, Self.plain + none) == [
                "- published tcp 8080 → lb tcp 80: no longer open to world"
            ])
        let some = Self.policy("{action: allow, from: [{network: other}, {cidr: 198.18.0.0/15}]}")
        #expect(
            try changes(Self.unpublished + some, Self.plain + some) == [
                "+ published tcp 8080 → lb tcp 80 (ipv4): now open to other-1, 198.18.0.0/15",
                "+ published tcp 8080 → lb tcp 80 (ipv6): now published, open to nobody",
            ])
        #expect(
            try changes(Self.plain + none, Self.plain + some) == [
                "+ published tcp 8080 → lb tcp 80 (ipv4): now open to other-1, 198.18.0.0/15"
            ])
    }

    /// Whoever is not meant by the world, and who of it is shut out.
    @Test func hostAndExceptionsAreNamed() throws {
        let host = Self.policy("{action: allow, from: [{entity: host}]}")
        #expect(
            try changes(Self.unpublished + host, Self.plain + host) == [
                "+ published tcp 8080 → lb tcp 80: now open to host"
            ])
        let most = Self.policy("{action: deny, from: [{entity: host}, {cidr: 198.51.100.0/24}]}, {action: allow}")
        #expect(
            try changes(Self.unpublished + most, Self.plain + most) == [
                "+ published tcp 8080 → lb tcp 80 (ipv4): now open to world, not to host, 198.51.100.0/24",
                "+ published tcp 8080 → lb tcp 80 (ipv6): now open to world, not to host",
            ])
    }

    /// Each part of the outside that policies name has an address of its own.
    @Test func prefixesInOneAnotherAreToldApart() throws {
        let none = Self.policy("")
        func allow(_ cidr: String) -> String { Self.policy("{action: allow, from: [{\(cidr)}]}") }
        let port = "published tcp 8080 → lb tcp 80 (ipv4):"
        #expect(
            try changes(Self.plain + none, Self.plain + allow("cidr: 10.0.0.0/8")) == [
                "+ \(port) now open to other-1, web-1, 10.0.0.0/8"
            ])
        #expect(
            try changes(Self.plain + allow("cidr: 198.18.0.0/16"), Self.plain + allow("cidr: 198.18.0.0/24")) == [
                "- \(port) no longer open to 198.18.0.0/16"
            ])
        #expect(
            try changes(
                Self.plain + allow("cidr: 0.0.0.0/0"),
                Self.plain + allow("cidr: 0.0.0.0/0, except: [198.51.100.0/24]")) == [
                    "- \(port) no longer open to 198.51.100.0/24"
                ])
        let many = (1...70).map { "{cidr: 198.18.\($0).0/24}" }.joined(separator: ", ")
        let found = ReachabilityChanges(
            from: try resolve(Self.base + Self.plain + none),
            to: try resolve(Self.base + Self.plain + Self.policy("{action: allow, from: [\(many)]}")))
        #expect(!found.isComplete)
    }

    @Test func ofARangeThePortsThatOpenAreNamed() throws {
        let range = Self.lb("{hostPort: 8000-8010, port: 80-90, protocol: udp}")
        let some = Self.policy("{action: allow, protocols: [{protocol: udp, ports: [82-84, 90]}]}")
        #expect(
            try changes(Self.unpublished + some, range + some) == [
                "+ published udp 8002-8004 → lb udp 82-84: now open to world",
                "+ published udp 8010 → lb udp 90: now open to world",
            ])
        #expect(
            try changes(range, range + some) == [
                "- published udp 8000-8001 → lb udp 80-81: no longer open to world",
                "- published udp 8005-8009 → lb udp 85-89: no longer open to world",
            ])
    }

    @Test func anAddressOfTheHostIsNamed() throws {
        #expect(
            try changes("", Self.lb("{hostPort: 8080, port: 80, hostAddress: 127.0.0.1}")) == [
                "+ published 127.0.0.1 tcp 8080 → lb tcp 80: now open to host"
            ])
        #expect(
            try changes("", Self.lb("{hostPort: 8080, port: 80, hostAddress: 192.0.2.254}")) == [
                "+ published 192.0.2.254 tcp 8080 → lb tcp 80: now open to world"
            ])
    }

    @Test func anEndpointThatIsSwitchedOffClosesIt() throws {
        let off = Self.plain.replacing("network: web", with: "network: web, enabled: false")
        #expect(
            try changes(Self.plain, off) == ["- published tcp 8080 → lb tcp 80: no longer open to world"])
    }

    @Test func tooManyAreSaid() throws {
        let found = ReachabilityChanges(
            from: try resolve(Self.base), to: try resolve(Self.base + Self.plain), pairLimit: 1)
        #expect(!found.isComplete)
    }
}
