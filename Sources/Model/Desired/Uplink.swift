public import Addressing

/// Which interface of a host leads to the physical network.
public enum UplinkSelector: Hashable, Sendable {
    /// By its name (`ip link show dev NAME`).
    case interface(InterfaceName)
    /// By its MAC.
    case mac(MACAddress)
    /// That of the default route.
    case defaultRoute
}

extension UplinkSelector: CustomStringConvertible {
    /// As a manifest writes it.
    public var description: String {
        switch self {
        case .interface(let name): "interface: \(name)"
        case .mac(let mac): "mac: \(mac)"
        case .defaultRoute: "defaultRoute: true"
        }
    }
}
