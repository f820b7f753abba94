import Addressing
import Model

extension SimulatedHost {
    /// Writes a file below `/proc/sys`, with what the kernel does beside it.
    mutating func write(_ value: String, to path: String, in namespace: NamespaceRef) throws {
        let parts = path.split(separator: "/").map(String.init)
        let knowsIPv6 = state.features.ipv6
        try change(namespace) { space in
            guard parts.count == 5, parts[2] == "conf" else {
                if path == "net/ipv4/ip_forward" { space.forwardIPv4(value) }
                space.settings[path] = value
                return
            }
            guard parts[1] == "ipv4" || knowsIPv6 else { throw Failure.absent(path) }
            if ["all", "default"].contains(parts[3]) {
                guard space.settings[path] != value else { return }
                space.settings[path] = value
                if parts[3] == "all" { space.spread(parts[1], parts[4], value) }
                return
            }
            guard let place = space.links.firstIndex(where: { $0.name == parts[3] }) else { throw Failure.absent(path) }
            guard space.links[place].set(parts[1], parts[4], value) else {
                space.settings[path] = value
                return
            }
            if parts[1] == "ipv6", parts[4] == "disable_ipv6", value == "1" {
                let index = space.links[place].index
                space.addresses.removeAll { $0.link == index && $0.address.address.family == .ipv6 }
                space.routes.removeAll { $0.link == index && $0.destination.family == .ipv6 }
            }
        }
    }
}

extension ObservedNamespace {
    /// Some settings of all interfaces are written to every one.
    fileprivate mutating func spread(_ family: String, _ key: String, _ value: String) {
        guard key == "forwarding" else { return }
        if family == "ipv4" { return forwardIPv4(value) }
        settings["net/ipv6/conf/default/forwarding"] = value
        for place in links.indices { links[place].set("ipv6", "forwarding", value) }
    }

    /// `inet_forward_change`.
    fileprivate mutating func forwardIPv4(_ value: String) {
        settings["net/ipv4/ip_forward"] = value
        settings["net/ipv4/conf/all/forwarding"] = value
        settings["net/ipv4/conf/default/forwarding"] = value
        settings["net/ipv4/conf/all/accept_redirects"] = value == "0" ? "1" : "0"
        for place in links.indices { links[place].set("ipv4", "forwarding", value) }
    }
}
