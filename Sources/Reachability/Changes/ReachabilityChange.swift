public import Addressing
public import Model

/// One thing that a change of the manifests opens or closes.
public struct ReachabilityChange: Hashable, Sendable {
    /// Who takes part.
    public enum Side: Hashable, Sendable {
        /// An endpoint that is there before and after.
        case endpoint(ObjectName)
        /// This host.
        case host
        /// Outside addresses that no policy names.
        case world
        /// Outside addresses of a `cidr` that a policy names.
        case outside(IPPrefix)
    }

    /// What kind of connection.
    public enum Service: Hashable, Sendable {
        /// Destination ports, as the source names them.
        case ports(PortProtocol, PortRange)
        /// Echo requests.
        case ping
        /// Protocols that no rule names.
        case other
    }

    /// Who makes the connection.
    public var from: Side
    /// Whom it is for.
    public var to: Side
    /// In which families; sorted.
    public var families: [AddressFamily]
    /// What it is.
    public var service: Service
    /// Allowed now and not before; else the other way round.
    public var isOpened: Bool
}

extension ReachabilityChange: CustomStringConvertible {
    /// `web-1 → db-1, tcp 5432: now allowed`.
    public var description: String {
        let family = families.count == 1 ? " (\(families[0].rawValue))" : ""
        return "\(from) → \(to), \(service)\(family): \(isOpened ? "now allowed" : "no longer allowed")"
    }
}

extension ReachabilityChange.Side: CustomStringConvertible {
    /// The name, `host`, `world` or the prefix.
    public var description: String {
        switch self {
        case .endpoint(let name): name.text
        case .host: "host"
        case .world: "world"
        case .outside(let prefix): prefix.description
        }
    }
}

extension ReachabilityChange.Service: CustomStringConvertible {
    /// `tcp 80-90`, `udp, all ports`, `ping`, `other protocols`.
    public var description: String {
        switch self {
        case .ports(let transport, let ports):
            ports.count == 65535 ? "\(transport.rawValue), all ports" : "\(transport.rawValue) \(ports)"
        case .ping: "ping"
        case .other: "other protocols"
        }
    }
}
