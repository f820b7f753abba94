/// What the kernel tells of a change to those who listen (`RTNLGRP_*`, `ip monitor`), as far as it says whether it can
/// concern anybody.
public enum ChangeNotice {
    /// `RTNLGRP_LINK`, `NEIGH`, `TC`, `IPV4_IFADDR`, `IPV4_ROUTE`, `IPV6_IFADDR`, `IPV6_ROUTE`, and
    /// `IPV4_NETCONF`, `IPV6_NETCONF`: forwarding and the few other settings that are told of (`linux/rtnetlink.h`).
    public static let groups: [Int32] = [1, 3, 4, 5, 7, 9, 11, 24, 25]
    /// `RTNLGRP_IPV4_RULE`, `IPV6_RULE`.
    public static let ruleGroups: [Int32] = [8, 19]

    /// `NUD_NOARP | NUD_PERMANENT`: made by somebody, not learned.
    private static let lasting: UInt16 = 0x40 | 0x80
    /// `RTM_F_CLONED`: an entry of a cache.
    private static let cloned: UInt32 = 0x200

    /// Whether somebody may have changed what lasts. What the kernel learns and forgets by itself is no such change; on
    /// the links of `keepers`, which have neighbours that were made, every word of a neighbour counts, because one that is
    /// removed is said to have failed.
    public static func concerns(_ message: Message, keepers: Set<UInt32>) throws(WireError) -> Bool {
        switch message.type {
        case .newNeighbour, .deleteNeighbour:
            // struct ndmsg: family, padding, index of the link, state.
            var header = StructReader(message.body.dropFirst(4), "neighbour message")
            let link = try header.number(UInt32.self)
            let state = try header.number(UInt16.self)
            return state & lasting != 0 || keepers.contains(link)
        case .newRoute, .deleteRoute:
            // struct rtmsg: eight fields of one byte, then the flags.
            var header = StructReader(message.body.dropFirst(8), "route message")
            return try header.number(UInt32.self) & cloned == 0
        case _:
            return true
        }
    }
}
