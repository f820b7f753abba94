extension Request {
    /// The same request about the link with that index: in a creating one the index that the link shall have, in all
    /// others the index in place of the name.
    ///
    /// Requests in one datagram are all carried out, whether or not one before them failed. A link's mark follows its
    /// creation in the same datagram, and must not land on another link of that name where the creation was refused.
    public func addressed(toLink index: UInt32) -> Request {
        let isAboutLink = [.newLink, .setLink, .newLinkProperty, .deleteLinkProperty, .deleteLink].contains(type)
        guard isAboutLink, body.count >= Self.headerSize else { return self }
        var header = Array(body[..<Self.headerSize])
        for byte in 0..<4 { header[4 + byte] = UInt8(truncatingIfNeeded: index >> (8 * UInt32(byte))) }
        let rest = body[Self.headerSize...]
        return Request(
            type: type, flags: flags, operation: operation,
            body: header + (flags.contains(.create) && type == .newLink ? rest : Self.withoutName(rest)))
    }

    /// `struct ifinfomsg`.
    private static let headerSize = 16

    private static func withoutName(_ attributes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var start = attributes.startIndex
        while start + 4 <= attributes.endIndex {
            let length = Int(attributes[start]) | Int(attributes[start + 1]) << 8
            let type = UInt16(attributes[start + 2]) | UInt16(attributes[start + 3]) << 8
            let end = min(start + (max(length, 4) + 3) & ~3, attributes.endIndex)
            if type == LinkAttribute.name { return attributes[..<start] + attributes[end...] }
            start = end
        }
        return attributes
    }

    private init(type: MessageType, flags: RequestFlags, operation: String, body: [UInt8]) {
        self.type = type
        self.flags = flags
        self.operation = operation
        self.body = body
    }
}
