import Addressing
import Model
import Planner
import Testing

/// Which operations of a step's inverse are needed for those that were done.
@Suite struct UndoTests {
    private let bridge = LinkReference(.host, "bh-web")
    private let card = LinkReference(.host, "ep-web-1")

    private func step(_ operations: [Operation], _ inverse: [Operation]) -> Step {
        Step(
            id: "x", action: .replace, owner: nil, kind: .veth, summary: "x", reason: "x", source: nil,
            operations: operations, inverse: inverse, phase: .cards)
    }

    private func positions(_ step: Step, _ done: Set<Int>) -> [Int] { step.undo(ofDone: done).map(\.position) }

    private func veth(_ name: String) -> LinkSpec {
        LinkSpec(
            reference: LinkReference(.host, name),
            kind: .veth(peer: PeerSpec(reference: LinkReference(.named("web-1"), "eth0"), mac: nil, mtu: 1500)),
            mac: nil,
            mtu: 1500, addressGeneration: 1, isUp: true, alias: "bulkhead:default/Endpoint/web-1")
    }

    private func address(_ text: String) throws -> InterfaceAddress {
        let address = try #require(IPAddress(text))
        return try #require(InterfaceAddress(address: address, length: 24))
    }

    @Test func allIsUndoneWhereAllWasDone() {
        let step = step([.createLink(veth("ep-web-1"))], [.deleteLink(card)])
        #expect(positions(step, [0]) == [0])
    }

    @Test func aLinkThatWasNotMadeIsNotDeleted() {
        let step = step(
            [
                .createLink(veth("ep-web-1")),
                .writeSetting(.host, path: "net/ipv4/conf/ep-web-1/forwarding", value: "1"),
            ],
            [.deleteLink(card)])
        #expect(positions(step, []) == [])
        #expect(positions(step, [1]) == [])
        #expect(positions(step, [0]) == [0])
    }

    @Test func aLinkThatWasReplacedComesBackWithAllItHad() throws {
        let inside = LinkReference(.named("web-1"), "eth0")
        let step = step(
            [.deleteLink(card), .createLink(veth("ep-web-1"))],
            [
                .deleteLink(card), .createLink(veth("ep-web-1")),
                .writeSetting(.host, path: "net/ipv4/conf/ep-web-1/rp_filter", value: "1"),
                .changeLink(inside, [.up(true)]), .addAddress(inside, try address("10.88.0.10")),
            ])
        // The creation failed: there is nothing to delete, all else comes back.
        #expect(positions(step, [0]) == [1, 2, 3, 4])
        // The deletion was refused, and with it the creation.
        #expect(positions(step, []) == [])
        #expect(positions(step, [0, 1]) == [0, 1, 2, 3, 4])
    }

    @Test func ofSeveralAddressesOnlyThoseThatMovedMoveBack() throws {
        let uplink = LinkReference(.host, "eth0")
        let (first, second) = (try address("192.0.2.1"), try address("192.0.2.2"))
        let step = step(
            [.addAddress(bridge, first), .removeAddress(uplink, first), .addAddress(bridge, second)],
            [.removeAddress(bridge, second), .addAddress(uplink, first), .removeAddress(bridge, first)])
        #expect(positions(step, [0]).contains(2))
        #expect(!positions(step, [0]).contains(1))
        #expect(positions(step, [0, 1]).contains(1))
    }

    @Test func aSettingGoesBackOnlyWhereItWasWritten() {
        func step(_ paths: [String]) -> Step {
            self.step(
                paths.map { .writeSetting(.host, path: $0, value: "0") },
                paths.reversed().map { .writeSetting(.host, path: $0, value: "1") })
        }
        let apart = step(["net/ipv4/conf/all/rp_filter", "net/ipv4/conf/default/rp_filter"])
        #expect(positions(apart, [0]) == [1])
        #expect(positions(apart, [1]) == [0])
        // The kernel writes that of all to the default, too.
        let dragged = step(["net/ipv4/conf/all/forwarding", "net/ipv4/conf/default/forwarding"])
        #expect(positions(dragged, [0]) == [0, 1])
        #expect(positions(dragged, [1]) == [0])
    }

    @Test func aNamespaceIsBoundAgainOnlyWhereItWasUnbound() {
        let step = step(
            [.deleteNamespace(name: "web-1"), .removeFile(path: "/etc/netns/web-1/hosts")],
            [.writeFile(path: "/etc/netns/web-1/hosts", content: ""), .bindNamespace(name: "web-1")])
        #expect(positions(step, [0]) == [1])
        #expect(positions(step, [1]) == [0])
    }
}
