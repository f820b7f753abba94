/// What is known of a table without reading what is in it.
public struct TableHeading: Hashable, Sendable {
    /// What it sees.
    public let family: Table.Family
    /// Its name.
    public let name: String
    /// What somebody set on it as a whole.
    public let flags: Table.Flags?

    /// From what the kernel says of a table (`NFTA_TABLE_FLAGS`, `NFTA_TABLE_OWNER`); nil where it is of a family that
    /// bulkhead has no tables of.
    public init?(family: UInt8, name: String, flags: UInt32, owner: UInt32?) {
        guard let family = Table.Family.allCases.first(where: { $0.number == family }) else { return nil }
        self.family = family
        self.name = name
        self.flags = Table.Flags(flags, owner: owner)
    }

    /// `inet bulkhead`.
    var title: String { "\(family.rawValue) \(name)" }
}

extension Table {
    /// What somebody set on a table as a whole. Bulkhead never does.
    public struct Flags: Hashable, Codable, Sendable {
        /// `NFT_TABLE_F_DORMANT`: nothing of it is in force.
        public var isDormant: Bool
        /// Port id of the netlink socket that alone may change it (`NFT_TABLE_F_OWNER`); 0 where that is closed, and the
        /// table stayed (`NFT_TABLE_F_PERSIST`).
        public var owner: UInt32?

        /// Flags.
        public init(isDormant: Bool, owner: UInt32? = nil) {
            self.isDormant = isDormant
            self.owner = owner
        }

        /// As the kernel has them; nil for none.
        init?(_ flags: UInt32, owner: UInt32?) {
            guard flags != 0 else { return nil }
            self.init(isDormant: flags & 1 != 0, owner: flags & 2 != 0 ? owner ?? 0 : nil)
        }
    }
}

extension Table.Family {
    /// `NFPROTO_INET` and its like (`linux/netfilter.h`).
    public var number: UInt8 {
        switch self {
        case .inet: 1
        case .arp: 3
        case .netdev: 5
        case .bridge: 7
        }
    }
}
