extension Step {
    /// Kind of kernel object that a step changes, as in plan documents and metrics.
    public enum Kind: String, Hashable, CaseIterable, Codable, Sendable {
        /// An address of a link.
        case address
        /// A bridge.
        case bridge
        /// Connections that the kernel tracks.
        case connections
        /// A file of a compartment's processes.
        case file
        /// The nftables tables of the scope.
        case firewall
        /// A link of another kind than those that have a word of their own, or what all links have.
        case link
        /// A kernel module.
        case module
        /// A network namespace.
        case namespace
        /// An entry of the neighbour table, or of a bridge's forwarding table.
        case neighbour
        /// A link's being a port of a bridge.
        case port
        /// A queueing discipline.
        case qdisc
        /// A route.
        case route
        /// Bulkhead's part of FRR's configuration.
        case routing
        /// A routing policy rule.
        case rule
        /// A value below `/proc/sys`.
        case setting
        /// A card of a hypervisor.
        case tap
        /// A link of the host that a network takes for its own.
        case uplink
        /// A pair of virtual cards.
        case veth
        /// A tunnel of an overlay.
        case vxlan

        /// What is deleted is a link of the kind that the kernel says (`IFLA_INFO_KIND`).
        init(link kind: String) {
            switch kind {
            case "bridge": self = .bridge
            case "tun", "macvtap": self = .tap
            case "veth": self = .veth
            case "vxlan": self = .vxlan
            case _: self = .link
            }
        }
    }
}
