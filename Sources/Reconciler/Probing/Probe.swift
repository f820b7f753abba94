public import Addressing
public import Model

/// One connection to try: from where, to where, and where a listener of our own waits for it.
public struct Probe: Hashable, Sendable {
    /// What is tried.
    public enum Kind: Hashable, Sendable {
        /// TCP connect to a port.
        case tcp(UInt16)
        /// A UDP datagram to a port, and its echo.
        case udp(UInt16)
        /// ICMP or ICMPv6 echo.
        case ping
    }

    /// A server that waits for it; its own, for a moment.
    public struct Listener: Hashable, Sendable {
        /// The namespace it is in.
        public var namespace: NamespaceRef
        /// Its address.
        public var address: IPAddress
        /// Its port.
        public var port: UInt16

        /// A listener.
        public init(namespace: NamespaceRef, address: IPAddress, port: UInt16) {
            self.namespace = namespace
            self.address = address
            self.port = port
        }
    }

    /// What is tried.
    public var kind: Kind
    /// The namespace it is tried from.
    public var namespace: NamespaceRef
    /// The source address.
    public var source: IPAddress
    /// The destination address.
    public var destination: IPAddress
    /// Who answers; nil for pings, which the kernel answers.
    public var listener: Listener?
    /// The destination is one of the host's; where the host does not have it, nothing is tried.
    public var isForHost: Bool

    /// A probe.
    public init(
        _ kind: Kind, from namespace: NamespaceRef, _ source: IPAddress, to destination: IPAddress,
        listener: Listener? = nil, isForHost: Bool = false
    ) {
        self.kind = kind
        self.namespace = namespace
        self.source = source
        self.destination = destination
        self.listener = listener
        self.isForHost = isForHost
    }
}

/// What became of a probe.
public enum ProbeOutcome: Hashable, Sendable {
    /// It passed, and so did the answer.
    case passed
    /// It was answered with an error, or could not be sent.
    case refused(String)
    /// Nothing came back in time.
    case silent
    /// It was not tried, and why.
    case skipped(String)
}
