/// Message types of rtnetlink (`linux/rtnetlink.h`) and the control messages.
public struct MessageType: RawRepresentable, Hashable, Sendable {
    /// `nlmsg_type`.
    public let rawValue: UInt16
    /// A type.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// `NLMSG_ERROR`: an ack, or an error.
    public static let error = MessageType(rawValue: 2)
    /// `NLMSG_DONE`: end of a dump.
    public static let done = MessageType(rawValue: 3)
    /// `RTM_NEWLINK`.
    public static let newLink = MessageType(rawValue: 16)
    /// `RTM_DELLINK`.
    public static let deleteLink = MessageType(rawValue: 17)
    /// `RTM_GETLINK`.
    public static let getLink = MessageType(rawValue: 18)
    /// `RTM_SETLINK`.
    public static let setLink = MessageType(rawValue: 19)
    /// `RTM_NEWADDR`.
    public static let newAddress = MessageType(rawValue: 20)
    /// `RTM_DELADDR`.
    public static let deleteAddress = MessageType(rawValue: 21)
    /// `RTM_GETADDR`.
    public static let getAddress = MessageType(rawValue: 22)
    /// `RTM_NEWROUTE`.
    public static let newRoute = MessageType(rawValue: 24)
    /// `RTM_DELROUTE`.
    public static let deleteRoute = MessageType(rawValue: 25)
    /// `RTM_GETROUTE`.
    public static let getRoute = MessageType(rawValue: 26)
    /// `RTM_NEWNEIGH`.
    public static let newNeighbour = MessageType(rawValue: 28)
    /// `RTM_DELNEIGH`.
    public static let deleteNeighbour = MessageType(rawValue: 29)
    /// `RTM_GETNEIGH`.
    public static let getNeighbour = MessageType(rawValue: 30)
    /// `RTM_NEWRULE`.
    public static let newRule = MessageType(rawValue: 32)
    /// `RTM_DELRULE`.
    public static let deleteRule = MessageType(rawValue: 33)
    /// `RTM_GETRULE`.
    public static let getRule = MessageType(rawValue: 34)
    /// `RTM_NEWQDISC`.
    public static let newQdisc = MessageType(rawValue: 36)
    /// `RTM_DELQDISC`.
    public static let deleteQdisc = MessageType(rawValue: 37)
    /// `RTM_GETQDISC`.
    public static let getQdisc = MessageType(rawValue: 38)
    /// `RTM_NEWTFILTER`.
    public static let newFilter = MessageType(rawValue: 44)
    /// `RTM_GETTFILTER`.
    public static let getFilter = MessageType(rawValue: 46)
    /// `RTM_NEWNSID`.
    public static let newNamespaceID = MessageType(rawValue: 88)
    /// `RTM_GETNSID`.
    public static let getNamespaceID = MessageType(rawValue: 90)
    /// `RTM_NEWNEXTHOP`.
    public static let newNextHop = MessageType(rawValue: 104)
    /// `RTM_GETNEXTHOP`.
    public static let getNextHop = MessageType(rawValue: 106)
    /// `RTM_NEWLINKPROP`.
    public static let newLinkProperty = MessageType(rawValue: 108)
    /// `RTM_DELLINKPROP`.
    public static let deleteLinkProperty = MessageType(rawValue: 109)
}

/// Flags of a request (`linux/netlink.h`).
public struct RequestFlags: OptionSet, Hashable, Sendable {
    /// `nlmsg_flags`.
    public let rawValue: UInt16
    /// Flags.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// `NLM_F_REQUEST`.
    public static let request = RequestFlags(rawValue: 0x001)
    /// `NLM_F_ACK`.
    public static let ack = RequestFlags(rawValue: 0x004)
    /// `NLM_F_ROOT | NLM_F_MATCH`.
    public static let dump = RequestFlags(rawValue: 0x300)
    /// `NLM_F_REPLACE`.
    public static let replace = RequestFlags(rawValue: 0x100)
    /// `NLM_F_EXCL`.
    public static let exclusive = RequestFlags(rawValue: 0x200)
    /// `NLM_F_CREATE`.
    public static let create = RequestFlags(rawValue: 0x400)
    /// `NLM_F_APPEND`.
    public static let append = RequestFlags(rawValue: 0x800)
}

/// A request without sequence number and port: what the client sends.
public struct Request: Sendable {
    /// Message type.
    public let type: MessageType
    /// Flags beside request and ack, which the client adds.
    public let flags: RequestFlags
    /// Fixed structure and attributes.
    public let body: [UInt8]
    /// What it is for, for errors: `create bridge bh-web`.
    public let operation: String

    /// A request.
    public init(_ type: MessageType, _ flags: RequestFlags = [], operation: String, body: MessageWriter) {
        self.type = type
        self.flags = flags
        self.body = body.bytes
        self.operation = operation
    }
}

/// A message from the kernel: its header, and what follows it (`struct nlmsghdr`).
public struct Message: Sendable {
    /// Message type.
    public let type: MessageType
    /// `nlmsg_flags`.
    public let flags: UInt16
    /// `nlmsg_seq`: that of the request it answers.
    public let sequence: UInt32
    /// `nlmsg_pid`: port id of the socket it answers.
    public let port: UInt32
    /// Fixed structure and attributes.
    public let body: ArraySlice<UInt8>

    /// `NLM_F_DUMP_INTR`: the table changed while it was read.
    public var isInterrupted: Bool { flags & 0x10 != 0 }
}

/// Walks over the messages of a datagram; every step goes at least sixteen bytes forward.
public struct MessageReader: Sendable {
    private var rest: ArraySlice<UInt8>

    /// Reads messages from a datagram.
    public init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The next message; nil at the end.
    public mutating func next() throws(WireError) -> Message? {
        guard !rest.isEmpty else { return nil }
        var header = StructReader(rest, "message header")
        let length = Int(try header.number(UInt32.self))
        let type = try header.number(UInt16.self)
        let flags = try header.number(UInt16.self)
        let sequence = try header.number(UInt32.self)
        let port = try header.number(UInt32.self)
        guard length >= 16 else { throw .malformed(what: "message") }
        guard length <= rest.count else { throw .truncated(what: "message") }
        let body = rest[(rest.startIndex + 16)..<(rest.startIndex + length)]
        rest = rest.dropFirst((length + 3) & ~3)
        return Message(type: MessageType(rawValue: type), flags: flags, sequence: sequence, port: port, body: body)
    }
}

/// What the kernel says of a request: done, or refused with a reason (`struct nlmsgerr`, extended ack).
public struct Acknowledgement: Hashable, Sendable {
    /// 0 for done, else the negative error number.
    public let error: Int32
    /// `NLMSGERR_ATTR_MSG`: the kernel's words.
    public let text: String?
    /// `NLMSGERR_ATTR_OFFS`: which byte of the request offends.
    public let offset: UInt32?

    /// Decodes an error or done message.
    public init(_ message: Message) throws(WireError) {
        var reader = StructReader(message.body, "acknowledgement")
        error = try reader.number()
        var attributes = AttributeReader([])
        // NLM_F_ACK_TLVS: attributes follow the header of the request, behind which a capped ack has no payload.
        if message.flags & 0x200 != 0, message.type == .error {
            let length = Int(try reader.number(UInt32.self))
            let echoed = message.flags & 0x100 != 0 ? 16 : max(length, 16)
            guard reader.remainder.count >= echoed - 4 else { throw .truncated(what: "acknowledgement") }
            attributes = AttributeReader(reader.remainder.dropFirst((echoed - 4 + 3) & ~3))
        } else if message.type == .done {
            attributes = AttributeReader(reader.remainder)
        }
        var text: String?
        var offset: UInt32?
        while let attribute = try attributes.next() {
            if attribute.type == 1 { text = attribute.text }
            if attribute.type == 2 { offset = try attribute.uint32("NLMSGERR_ATTR_OFFS") }
        }
        self.text = text
        self.offset = offset
    }
}
