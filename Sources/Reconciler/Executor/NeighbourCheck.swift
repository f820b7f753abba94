internal import Addressing
internal import Model
internal import NetlinkClient
internal import NetlinkCodec
internal import SystemCalls

/// Asks whether the host still reaches its neighbours on a link. The kernel asks them (ARP, neighbour discovery); its
/// table says who answered.
struct NeighbourCheck {
    private let connection: NetlinkConnection

    init(_ session: HostSession) { connection = session.connection }

    /// What the kernel knows of a neighbour (`NUD_…`).
    private enum State {
        /// It answered just now, or needs not be asked: REACHABLE, NOARP, PERMANENT.
        case known
        /// INCOMPLETE, PROBE.
        case asking
        /// It was heard of, which says nothing of whether it hears us: STALE, DELAY.
        case heard
        /// FAILED, or nothing.
        case silent

        init(_ state: UInt16) {
            if state & 0xc2 != 0 {
                self = .known
            } else if state & 0x11 != 0 {
                self = .asking
            } else {
                self = state & 0x0c != 0 ? .heard : .silent
            }
        }
    }

    /// Neighbours spoken with lately are asked, too, up to this number.
    private static let limit = 4

    /// Those of the addresses, and of the neighbours that the host has spoken with lately, that answer.
    func answering(_ addresses: [IPAddress], on link: String) throws -> [IPAddress] {
        let index = try connection.linkIndex(link)
        let own = try ownMACs()
        // REACHABLE.
        let lately = try connection.neighbours(family: 0).filter { neighbour in
            neighbour.link == index && neighbour.state & 0x02 != 0 && neighbour.mac.map { !own.contains($0) } ?? false
        }.compactMap(\.address).sorted().prefix(Self.limit)
        let all = Set(addresses + lately).sorted()
        let states = try ask(all, index)
        return all.filter { states[$0] == .known }
    }

    /// MACs behind cards of bulkhead's: endpoints do not go along with the uplink.
    private func ownMACs() throws -> Set<MACAddress> {
        let links = try connection.links(counters: false)
        let cards = Set(links.filter { $0.alias.flatMap { OwnershipMark($0) } != nil }.map(\.index))
        return Set(try connection.neighbours(family: 7).filter { cards.contains($0.link) }.compactMap(\.mac))
    }

    /// Throws where one of them does not answer on the link.
    func expect(_ addresses: [IPAddress], on link: String) throws {
        guard !addresses.isEmpty else { return }
        let states = try ask(addresses, try connection.linkIndex(link))
        let lost = addresses.filter { states[$0] != .known }
        guard !lost.isEmpty else { return }
        throw StateError(
            "\(lost.map(\.description).joined(separator: ", ")) answered before, and does not any more; look at the switch port "
                + "(does it let this MAC in?), or use another uplink")
    }

    /// Tenths of a second.
    private static let rounds = 100

    /// Asks until all have answered, or for ten seconds.
    private func ask(_ addresses: [IPAddress], _ index: UInt32) throws -> [IPAddress: State] {
        var states: [IPAddress: State] = [:]
        // The kernel gives up after three questions, a second apart. It is asked again then: while a bridge finds out that
        // it has a carrier, frames are lost.
        for _ in 0..<Self.rounds {
            let table = try connection.neighbours(family: 0).filter { $0.link == index }
            states = [:]
            for entry in table { if let address = entry.address { states[address] = State(entry.state) } }
            let open = addresses.filter { states[$0] != .known }
            let idle = open.filter { states[$0] != .asking }
            if open.isEmpty { break }
            if !idle.isEmpty {
                let requests = idle.map { address in
                    [
                        NeighbourMessage.solicit(
                            address, link: index, isHeard: states[address] == .heard,
                            operation: "ask neighbour \(address)")
                    ]
                }
                if let error = try connection.perform(requests).compactMap(\.self).first { throw error }
            }
            Detachment.pause(milliseconds: 100)
        }
        return states
    }
}
