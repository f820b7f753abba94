public import Addressing

/// What the rules of another scope say that it has of what all scopes of a host share.
public struct OtherScope: Hashable, Codable, Sendable {
    /// A prefix of a network, also of one without an address of the host.
    public struct Prefix: Hashable, Codable, Sendable {
        /// The prefix.
        public var prefix: IPPrefix
        /// The network's bridge.
        public var bridge: String
        /// `Network/web`; nil where the rules do not tell.
        public var owner: String?

        /// A prefix.
        public init(prefix: IPPrefix, bridge: String, owner: String?) {
            self.prefix = prefix
            self.bridge = bridge
            self.owner = owner
        }
    }

    /// A published port.
    public struct Port: Hashable, Codable, Sendable {
        /// The protocol.
        public var transport: PortProtocol
        /// The family that it is published for.
        public var family: AddressFamily
        /// The only host address; nil for all.
        public var address: IPAddress?
        /// The port on the host.
        public var port: UInt16
        /// `Endpoint/web-1`; nil where the rules do not tell.
        public var owner: String?

        /// A port.
        public init(
            transport: PortProtocol, family: AddressFamily, address: IPAddress?, port: UInt16, owner: String?
        ) {
            self.transport = transport
            self.family = family
            self.address = address
            self.port = port
            self.owner = owner
        }
    }

    /// Its name.
    public var scope: ObjectName
    /// Prefixes of its networks.
    public var prefixes: [Prefix]
    /// Ports that it publishes.
    public var ports: [Port]
    /// Uplinks whose macvlans it guards; nil where nobody asked.
    public var devices: [String]?

    /// A scope.
    public init(scope: ObjectName, prefixes: [Prefix] = [], ports: [Port] = [], devices: [String]? = nil) {
        self.devices = devices
        self.scope = scope
        self.prefixes = prefixes
        self.ports = ports
    }
}
