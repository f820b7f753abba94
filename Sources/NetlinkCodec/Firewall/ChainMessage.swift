/// A chain of nftables, as far as libnftables does not tell of it (`NFTA_CHAIN_*` of `linux/netfilter/nf_tables.h`): the JSON
/// of nft 1.0.6 names no devices.
public struct ChainMessage: Hashable, Sendable {
    /// `nfgen_family`: `NFPROTO_NETDEV` 5 …
    public var family: UInt8
    /// `NFTA_CHAIN_TABLE`.
    public var table = ""
    /// `NFTA_CHAIN_NAME`.
    public var name = ""
    /// `NFTA_DEVICE_NAME`s of `NFTA_HOOK_DEVS`, sorted; those that are not there (since 6.16 a chain outlives them), too.
    public var devices: [String] = []

    /// `NFNL_SUBSYS_NFTABLES << 8` and `NFT_MSG_NEWCHAIN`: what a dump is made of.
    public static let new = MessageType(rawValue: 0xa03)
    /// The same of `NFT_MSG_GETCHAIN`.
    private static let get = MessageType(rawValue: 0xa04)

    /// Decodes the body of an `NFT_MSG_NEWCHAIN`.
    public init(decoding body: ArraySlice<UInt8>) throws(WireError) {
        guard body.count >= 4, let family = body.first else { throw .truncated(what: "chain message") }
        self.family = family
        var attributes = AttributeReader(body.dropFirst(4))
        while let attribute = try attributes.next() {
            switch attribute.type {
            case 1: table = attribute.text
            case 3: name = attribute.text
            case 4: devices = try Self.devices(attribute.nested)
            case _: break
            }
        }
    }

    private static func devices(_ hook: AttributeReader) throws(WireError) -> [String] {
        var (hook, devices) = (hook, [String]())
        while let attribute = try hook.next() {
            // NFTA_HOOK_DEV beside it names the only one once more.
            guard attribute.type == 4 else { continue }
            var list = attribute.nested
            while let device = try list.next() { devices.append(device.text) }
        }
        return devices.sorted()
    }

    /// All chains of one family.
    public static func dump(family: UInt8) -> Request {
        var writer = MessageWriter()
        writer.number(UInt32(family))
        return Request(get, .dump, operation: "read firewall chains", body: writer)
    }
}
