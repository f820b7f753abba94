import Addressing
import Model
import TestSupport
import Testing

@testable import Planner

/// What of the host stands against the manifests, found by look-ups, is what a walk through all of it finds.
@Suite struct ConflictTests {
    @Test(arguments: UInt64(1)...8) func theFirstOverlappingPrefixIsFound(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        func prefix() throws -> IPPrefix {
            let family: AddressFamily = random.chance(70) ? .ipv4 : .ipv6
            // Few bits that differ, so that many overlap.
            let value = UInt128(UInt64.random(in: 0..<64, using: &random)) << UInt128(family.width - 8)
            let address = try #require(IPAddress(family: family, value: value))
            return IPPrefix(containing: address, length: Int.random(in: 0...10, using: &random))
        }
        var hits = 0
        for _ in 0..<300 {
            var taken = TakenPrefixes()
            let list = try (0..<Int.random(in: 0...6, using: &random)).map { _ in try prefix() }
            for (place, prefix) in list.enumerated() { taken.append(prefix, "\(place)") }
            taken.finish()
            let asked = try prefix()
            let expected = list.firstIndex { $0.overlaps(asked) }
            hits += expected == nil ? 0 : 1
            #expect(taken.overlapping(asked) == expected.map { "\($0)" }, "\(asked) in \(list)")
        }
        #expect(hits > 50 && hits < 290)
    }

    private static let manifests = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: web-1}
        spec:
          network: web
          portMappings: [{hostPort: 8000-8999, port: 8000-8999}, {protocol: udp, hostPort: 53, port: 53}]
        """

    /// Complaints come in the order of mappings, then of sockets, whatever their ports.
    @Test func listenersInTheWay() throws {
        var host = SimulatedHost.fresh()
        let any = try #require(IPAddress("0.0.0.0"))
        let local = try #require(IPAddress("192.0.2.2"))
        for (transport, address, port) in [
            (PortProtocol.tcp, any, UInt16(8500)), (.udp, any, 8500), (.tcp, local, 8000), (.tcp, any, 7999),
            (.tcp, any, 8999), (.tcp, any, 9000), (.udp, local, 53), (.tcp, any, 53), (.tcp, any, 8000),
        ] {
            host.state.listeners.append(Listener(transport: transport, address: address, port: port))
        }
        let failure = #expect(throws: Planner.Failure.self) { try host.plan(try resolve(Self.manifests)) }
        let ports = (failure?.diagnostics ?? []).map { $0.message.split(separator: " ")[2] }
        #expect(ports == ["8500/tcp", "8000/tcp", "8999/tcp", "8000/tcp", "53/udp"])
    }

    /// Those of overlays may overlap, whichever scope they are of.
    @Test func prefixesOfOtherScopes() throws {
        var host = SimulatedHost.fresh()
        let prefix = try #require(IPPrefix("10.88.0.128/25"))
        host.state.otherScopes = [
            OtherScope(
                scope: try #require(ObjectName("two")),
                prefixes: [.init(prefix: prefix, bridge: "bh-far", owner: "Network/far")])
        ]
        host.state.host.links.append(ObservedLink(index: 90, name: "bh-far", kind: "bridge"))
        let failure = #expect(throws: Planner.Failure.self) { try host.plan(try resolve(Self.manifests)) }
        #expect(
            failure?.diagnostics.map(\.message) == [
                "prefix 10.88.0.0/24 of Network/web overlaps 10.88.0.128/25 of Network/far of scope two; choose another prefix"
            ])
        host.state.host.links.append(ObservedLink(index: 91, name: "vx-far", kind: "vxlan", master: 90))
        #expect(throws: Never.self) { try host.plan(try resolve(Self.manifests)) }
    }

    @Test func prefixesOfTheHostAreNamed() throws {
        let text = Self.manifests.replacing("10.88.0.0/24", with: "192.0.2.0/25")
        let failure = #expect(throws: Planner.Failure.self) { try SimulatedHost.fresh().plan(try resolve(text)) }
        #expect(
            failure?.diagnostics.map(\.message) == [
                "prefix 192.0.2.0/25 of Network/web overlaps the host's address 192.0.2.2/24 on eth0; choose another prefix"
            ])
    }
}
