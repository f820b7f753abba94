/// What the kernel tells of a transaction of nftables to those who listen (`NFNLGRP_NFTABLES`, `nft monitor`).
public enum FirewallNotice: Hashable, Sendable {
    /// Something of a table was made, changed or removed; the table's name.
    case changed(table: String)
    /// The transaction is over (`NFT_MSG_NEWGEN`); who asked for it.
    case committed(Author?)

    /// Who asked for a transaction.
    public struct Author: Hashable, Sendable {
        /// `NFTA_GEN_PROC_PID`: number of the thread.
        public let thread: UInt32
        /// `NFTA_GEN_PROC_NAME`, as `/proc/PID/comm` has it.
        public let name: String
    }

    /// `NFNLGRP_NFTABLES` (`linux/netfilter/nfnetlink.h`).
    public static let group: Int32 = 7

    private static let subsystem: UInt16 = 0xa00
    private static let newGeneration: UInt16 = 0xa0f

    /// Decodes a message; nil where it is none of nftables.
    public init?(decoding message: Message) throws(WireError) {
        guard message.type.rawValue & 0xff00 == Self.subsystem else { return nil }
        // struct nfgenmsg: family, version and resource.
        guard message.body.count >= 4 else { throw .truncated(what: "firewall notice") }
        var attributes = AttributeReader(message.body.dropFirst(4))
        guard message.type.rawValue == Self.newGeneration else {
            // The first attribute of all kinds of objects is the table's name (NFTA_TABLE_NAME, NFTA_RULE_TABLE …).
            var table = ""
            while let attribute = try attributes.next() {
                if attribute.type == 1 { table = attribute.text }
            }
            self = .changed(table: table)
            return
        }
        var thread: UInt32?
        var name: String?
        while let attribute = try attributes.next() {
            switch attribute.type {
            case 2: thread = try attribute.uint32("NFTA_GEN_PROC_PID").byteSwapped
            case 3: name = attribute.text
            case _: break
            }
        }
        guard let thread, let name else {
            self = .committed(nil)
            return
        }
        self = .committed(Author(thread: thread, name: name))
    }
}
