/// An nftables table (`NFTA_TABLE_*` of `linux/netfilter/nf_tables.h`, `nft list tables`).
public struct TableMessage: Hashable, Sendable {
    /// `nfgen_family`: `NFPROTO_INET` 1, `NFPROTO_ARP` 3, `NFPROTO_BRIDGE` 7 …
    public var family: UInt8
    /// `NFTA_TABLE_NAME`.
    public var name: String
    /// `NFTA_TABLE_FLAGS`: `NFT_TABLE_F_DORMANT` 1, `NFT_TABLE_F_OWNER` 2, `NFT_TABLE_F_PERSIST` 4.
    public var flags: UInt32
    /// `NFTA_TABLE_OWNER`: port id of the netlink socket that owns it, as a rule the number of its process.
    public var owner: UInt32?

    /// `NFNL_SUBSYS_NFTABLES << 8` and `NFT_MSG_NEWTABLE`: what a dump is made of.
    public static let new = MessageType(rawValue: 0xa00)
    /// The same of `NFT_MSG_GETTABLE`.
    private static let get = MessageType(rawValue: 0xa01)

    /// Decodes the body of an `NFT_MSG_NEWTABLE`.
    public init(decoding body: ArraySlice<UInt8>) throws(WireError) {
        // struct nfgenmsg: family, version and resource.
        guard body.count >= 4, let family = body.first else { throw .truncated(what: "table message") }
        self.family = family
        (name, flags) = ("", 0)
        var attributes = AttributeReader(body.dropFirst(4))
        while let attribute = try attributes.next() {
            switch attribute.type {
            case 1: name = attribute.text
            case 2: flags = try attribute.uint32("NFTA_TABLE_FLAGS").byteSwapped
            case 7: owner = try attribute.uint32("NFTA_TABLE_OWNER").byteSwapped
            case _: break
            }
        }
    }

    /// All tables of all families.
    public static func dump() -> Request {
        var writer = MessageWriter()
        writer.number(UInt32(0))
        return Request(get, .dump, operation: "read firewall tables", body: writer)
    }
}
