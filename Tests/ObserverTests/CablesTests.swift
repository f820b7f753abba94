import Model
import Testing

@testable import Reconciler

/// Which namespace has which id, told by the two ends of a veth pair.
@Suite struct CablesTests {
    private static let hostEnds = [
        ObservedLink(index: 1, name: "lo", isLoopback: true),
        ObservedLink(index: 7, name: "ep-a", kind: "veth", peerIndex: 2, peerNamespaceID: 100),
        ObservedLink(index: 8, name: "ep-b", kind: "veth", peerIndex: 2, peerNamespaceID: 200),
        ObservedLink(index: 9, name: "both-here", kind: "veth", peerIndex: 10),
        ObservedLink(index: 11, name: "mv", kind: "macvlan", peerIndex: 2, peerNamespaceID: 300),
    ]

    private func card(
        _ index: UInt32 = 2, peer: UInt32?, in namespace: Int32? = 0, kind: String = "veth"
    ) -> ObservedLink {
        ObservedLink(index: index, name: "eth0", kind: kind, peerIndex: peer, peerNamespaceID: namespace)
    }

    private func id(_ links: ObservedLink..., hostID: Int32? = 0) -> Int32? {
        Cables(Self.hostEnds).namespaceID(links: links, hostID: hostID)
    }

    @Test func endsThatNameEachOtherTell() {
        #expect(id(card(peer: 7)) == 100)
        #expect(id(card(peer: 8)) == 200)
        // Another cable beside it leads elsewhere.
        #expect(id(card(3, peer: 40, in: 5), card(peer: 8)) == 200)
        #expect(id(card(peer: 7, in: 3), hostID: 3) == 100)
    }

    @Test func nothingElseDoes() {
        // The host's end leads to another index than this one.
        #expect(id(card(5, peer: 7)) == nil)
        // Its other end is in a namespace that is not the host: one made inside, with the indexes chosen to match.
        #expect(id(card(peer: 7, in: 4), hostID: 0) == nil)
        #expect(id(card(peer: 7, in: nil)) == nil)
        // The host has no id in there, so that no cable can lead to it.
        #expect(id(card(peer: 7), hostID: nil) == nil)
        // No veth, on either side.
        #expect(id(card(peer: 7, kind: "macvlan")) == nil)
        #expect(id(card(peer: 11)) == nil)
        // Both ends in the host.
        #expect(id(card(10, peer: 9)) == nil)
        #expect(id(card(peer: nil)) == nil)
        #expect(id() == nil)
    }
}
