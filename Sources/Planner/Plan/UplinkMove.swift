public import Addressing
internal import Model

/// An interface of the host changes its place, with all that the host has on it: to a bridge that then stands for it, or
/// back. It is one datagram: a process that is ended does all of it or nothing.
public struct UplinkMove: Hashable, Codable, Sendable {
    /// The interface.
    public var uplink: LinkReference
    /// The bridge that it is a port of before; nil for none.
    public var previousMaster: String?
    /// The bridge that it is a port of afterwards.
    public var master: String?
    /// The link that has addresses and routes before.
    public var from: LinkReference
    /// The link that has them afterwards.
    public var to: LinkReference
    /// Addresses, in the order of the kernel.
    public var addresses: [CarriedAddress]
    /// Routes, those without a next hop first.
    public var routes: [CarriedRoute]

    /// A move.
    public init(
        uplink: LinkReference, previousMaster: String?, master: String?, from: LinkReference, to: LinkReference,
        addresses: [CarriedAddress] = [], routes: [CarriedRoute] = []
    ) {
        self.uplink = uplink
        self.previousMaster = previousMaster
        self.master = master
        self.from = from
        self.to = to
        self.addresses = addresses
        self.routes = routes
    }

    /// What undoes it.
    public var reversed: UplinkMove {
        UplinkMove(
            uplink: uplink, previousMaster: master, master: previousMaster, from: to, to: from, addresses: addresses,
            routes: routes)
    }

    /// Whether the host has nothing on it.
    public var isEmpty: Bool { addresses.isEmpty && routes.isEmpty }
}

/// An address that moves, as the kernel says it.
public struct CarriedAddress: Hashable, Codable, Sendable {
    /// Address and prefix length.
    public var address: InterfaceAddress
    /// `struct ifaddrmsg` and attributes.
    public var body: [UInt8]

    /// An address.
    public init(address: InterfaceAddress, body: [UInt8]) {
        self.address = address
        self.body = body
    }
}

/// A route that moves, as the kernel says it.
public struct CarriedRoute: Hashable, Codable, Sendable {
    /// What becomes of it.
    public enum Kind: Hashable, Codable, Sendable {
        /// It is removed and made again, through another link wherever its body has the index of this one.
        case through(UInt32)
        /// It stays: its next hops are an object of its own, which is changed in place.
        case byObject
        /// It is by other links, but from an address that moves, with which the kernel would delete or change it: it is
        /// removed and made again as it is.
        case elsewhere
    }

    /// As `ip route` writes it.
    public var words: String
    /// `struct rtmsg` and attributes.
    public var body: [UInt8]
    /// What becomes of it.
    public var kind: Kind

    /// A route.
    public init(words: String, body: [UInt8], kind: Kind) {
        self.words = words
        self.body = body
        self.kind = kind
    }
}
