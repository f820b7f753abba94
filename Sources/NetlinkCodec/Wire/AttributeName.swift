extension Request {
    /// The attribute that begins at that byte of the whole message (`NLMSGERR_ATTR_OFFS`), the ones that it lies in
    /// first: `IFLA_LINKINFO 2 7`. Nil where none does.
    public func attribute(at offset: UInt32) -> String? {
        // The offset counts from the header of the message, which is not in the body.
        guard let start = Int(exactly: offset).map({ $0 - 16 }), start >= attributesStart, start < body.count else {
            return nil
        }
        var path: [String] = []
        var (place, end) = (attributesStart, body.count)
        while place + 4 <= end {
            let length = Int(body[place]) | Int(body[place + 1]) << 8
            let type = UInt16(body[place + 2]) | UInt16(body[place + 3]) << 8
            let number = type & 0x3fff
            guard length >= 4, place + length <= end else { return nil }
            if start == place || start < place + length {
                path.append((path.isEmpty ? names[number] : nil) ?? String(number))
                if start == place { return path.joined(separator: " ") }
                guard type & 0x8000 != 0 else { return nil }
                (place, end) = (place + 4, place + length)
                continue
            }
            place += (length + 3) & ~3
        }
        return nil
    }

    /// Where attributes begin: behind `struct ifinfomsg`, `ifaddrmsg`, `rtmsg`, `ndmsg` or `rtgenmsg`.
    private var attributesStart: Int {
        switch type {
        case .newLink, .deleteLink, .getLink, .setLink, .newLinkProperty, .deleteLinkProperty: 16
        case .newRoute, .deleteRoute, .getRoute, .newNeighbour, .deleteNeighbour, .getNeighbour: 12
        case .newAddress, .deleteAddress, .getAddress, .newNextHop, .getNextHop: 8
        case _: 4
        }
    }

    /// Names of the attributes that requests have (`linux/if_link.h` and its like).
    private var names: [UInt16: String] {
        switch type {
        case .newLink, .deleteLink, .getLink, .setLink, .newLinkProperty, .deleteLinkProperty:
            [
                1: "IFLA_ADDRESS", 3: "IFLA_IFNAME", 4: "IFLA_MTU", 5: "IFLA_LINK", 10: "IFLA_MASTER",
                18: "IFLA_LINKINFO", 20: "IFLA_IFALIAS", 26: "IFLA_AF_SPEC", 28: "IFLA_NET_NS_FD",
                29: "IFLA_EXT_MASK", 46: "IFLA_TARGET_NETNSID", 52: "IFLA_PROP_LIST",
            ]
        case .newAddress, .deleteAddress:
            [1: "IFA_ADDRESS", 2: "IFA_LOCAL", 4: "IFA_BROADCAST", 8: "IFA_FLAGS", 11: "IFA_PROTO"]
        case .newRoute, .deleteRoute:
            [1: "RTA_DST", 4: "RTA_OIF", 5: "RTA_GATEWAY", 6: "RTA_PRIORITY", 7: "RTA_PREFSRC", 15: "RTA_TABLE"]
        case .newNeighbour, .deleteNeighbour: [1: "NDA_DST", 2: "NDA_LLADDR"]
        case .newNamespaceID, .getNamespaceID: [1: "NETNSA_NSID", 3: "NETNSA_FD", 4: "NETNSA_TARGET_NSID"]
        case _: [:]
        }
    }
}
