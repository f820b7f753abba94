public import Addressing

/// What a network card is given to.
public enum Device: Hashable, Sendable {
    /// A process in a compartment: the card is an interface there.
    case nic(Seat)
    /// The same, where the card is a macvlan of the network's uplink: the host has no port of it.
    case macvlan(Seat)
    /// A hypervisor: the card is a file, and in no network stack of the host.
    case tap(TapOptions)
    /// The same, where the card is a macvtap of the network's uplink: its file is `/dev/tapINDEX`.
    case macvtap
}

/// A card's place in a compartment.
public struct Seat: Hashable, Sendable {
    /// The compartment.
    public var compartment: ObjectName
    /// Name of the interface inside.
    public var interface: InterfaceName

    /// A place.
    public init(compartment: ObjectName, interface: InterfaceName) {
        self.compartment = compartment
        self.interface = interface
    }
}

/// Attributes of a tap (`ip tuntap add NAME mode tap …`). It is persistent, and has a virtio header as soon as who opens
/// it wants one.
public struct TapOptions: Hashable, Codable, Sendable {
    /// `TUNSETOWNER`: who may open it beside those with `CAP_NET_ADMIN`.
    public var owner: Account?
    /// `TUNSETGROUP`.
    public var group: Account?
    /// `IFF_MULTI_QUEUE`: it may be opened several times, a queue each.
    public var multiQueue: Bool

    /// Attributes.
    public init(owner: Account? = nil, group: Account? = nil, multiQueue: Bool = false) {
        self.owner = owner
        self.group = group
        self.multiQueue = multiQueue
    }
}

/// A user or a group of the host, by name, by number, or by both where the host was asked.
public struct Account: Hashable, Codable, Sendable {
    /// As `passwd(5)` or `group(5)` has it; nil where a number is given.
    public var name: String?
    /// The number; nil where it is not known yet.
    public var number: UInt32?

    /// An account.
    public init(name: String? = nil, number: UInt32? = nil) {
        self.name = name
        self.number = number
    }

    /// What the manifest says: a name, or a number. The last one of 32 bits means nobody at all, and is none.
    public init(_ text: String) {
        let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isNumber else {
            self.init(name: text)
            return
        }
        self.init(number: UInt32(text))
    }
}

extension Account: CustomStringConvertible {
    /// `qemu (64055)`, `qemu` or `64055`.
    public var description: String {
        switch (name, number) {
        case (let name?, let number?): "\(name.terminalSafe) (\(number))"
        case (let name?, nil): name.terminalSafe
        case (nil, let number?): "\(number)"
        case (nil, nil): "nobody"
        }
    }
}
