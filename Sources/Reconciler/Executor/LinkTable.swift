internal import Model
internal import NetlinkCodec
internal import Planner

/// Indexes of links by name, as far as a run has met them. Names are stable over a run, indexes are not.
struct LinkTable {
    private var outer: [LinkReference: UInt32] = [:]
    private var inner: [LinkReference: UInt32] = [:]
    /// Links of which this run chose the index.
    private var made: [LinkReference: UInt32] = [:]
    private var next: UInt32 = 0

    /// A table that knows what was there when the change began: a link that takes one of these names later is another.
    init(_ start: StartingPoint) {
        for link in start.links where link.reference.namespace == .host { outer[link.reference] = link.index }
    }

    /// The index, where it is known.
    subscript(link: LinkReference) -> UInt32? {
        get { link.namespace == .host ? outer[link] : inner[link] }
        set { if link.namespace == .host { outer[link] = newValue } else { inner[link] = newValue } }
    }

    /// The index of a link that this run made.
    func index(made link: LinkReference) -> UInt32? { made[link] }

    /// A link that is made or deleted has another index than before.
    mutating func forget(_ operation: Operation) {
        switch operation {
        case .createLink(let spec):
            outer[spec.reference] = nil
            inner = [:]
        case .deleteLink(let link):
            outer[link] = nil
            // The other end goes with it, wherever it is.
            inner = [:]
        case .createNamespace, .deleteNamespace, .bindNamespace: inner = [:]
        case .changeLink(let link, let changes):
            if changes.contains(where: \.isName), link.namespace != .host { inner = [:] }
        case .loadModule, .addAddress, .removeAddress, .addRoute, .replaceRoute, .removeRoute,
            .moveUplink, .noteNeighbours, .expectNeighbours, .addRule, .removeRule, .addQdisc, .removeQdisc,
            .addNeighbour, .removeNeighbour, .forgetNeighbours, .writeSetting, .rememberOriginal,
            .forgetOriginal, .writeFile,
            .removeFile, .cutConnections, .clearWay, .configureRouting, .firewall:
            break
        }
    }

    /// Chooses the index that a new link of the host shall have, out of reach of those that the kernel gives: it
    /// counts up from 1, and nobody else names them.
    mutating func reserve(_ link: LinkReference, besides links: () throws -> [LinkMessage]) throws -> UInt32 {
        if next == 0 {
            let taken = try links().map(\.index).filter(Self.range.contains)
            // Not the very next one, so that the index of a link just deleted is not soon that of another.
            next = (taken.max() ?? Self.range.lowerBound) + UInt32.random(in: 1...999)
        }
        let index = next
        next = next < Self.range.upperBound ? next + 1 : Self.range.lowerBound
        made[link] = index
        outer[link] = index
        return index
    }

    /// Chooses the index of a new link in a compartment that stands on one of the host. Were it the same as that one's, the
    /// kernel would take the link for one that stands on none, and let it wait up to a second for its carrier
    /// (`linkwatch_urgent_event`).
    mutating func choose(_ link: LinkReference) -> UInt32 {
        let index = UInt32.random(in: 1_000_000_001...2_000_000_000)
        made[link] = index
        inner[link] = index
        return index
    }

    private static let range: ClosedRange<UInt32> = 1_000_000...1_000_000_000
}
