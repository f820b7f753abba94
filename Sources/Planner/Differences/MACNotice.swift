internal import Addressing
internal import Model

/// Settings of an interface by which the kernel tells all neighbours when its MAC changes (`arp_notify`, `ndisc_notify` of
/// `Documentation/networking/ip-sysctl.rst`).
public enum MACNotice {
    static let settings: [(family: AddressFamily, key: String)] = [(.ipv4, "arp_notify"), (.ipv6, "ndisc_notify")]

    /// What new interfaces of a namespace get; read of the host's own.
    public static let defaults = settings.map { path("default", $0.family, $0.key) }

    static func path(_ interface: String, _ family: AddressFamily, _ key: String) -> String {
        "net/\(family.rawValue)/conf/\(interface)/\(key)"
    }
}

/// What is done around the change of a link.
struct Surroundings {
    /// Before all else; undoing begins with the last of it, where it ended in the middle.
    var first: [Operation] = []
    /// Before the change and its undoing, and behind both.
    var before: [Operation] = []
    var after: [Operation] = []
    /// What comes with the change alone, last of all, and what its undoing brings back.
    var arrivals: [Operation] = []
    var returns: [Operation] = []
}

extension Context {
    /// What is written around a change of a switch's MAC, so that the kernel tells all neighbours of it: by themselves they
    /// go on sending to the old one for up to a minute.
    ///
    /// Only settings that the link has, and keeps, and that are not on anyway. Not where an uplink is or was on the switch: on
    /// the wire nobody may learn what holds in the middle of a move alone.
    func notices(
        of difference: LinkDifference, on reference: LinkReference, _ link: ObservedLink, _ network: Network
    ) -> Surroundings {
        let isOnAWire = network.isShared || observed.host.uplinkPort(of: link) != nil
        return isOnAWire ? Surroundings() : notices(of: difference, on: reference, link)
    }

    /// The same around a change of a card's MAC inside its compartment.
    func notices(of difference: LinkDifference, on reference: LinkReference, _ link: ObservedLink) -> Surroundings {
        guard difference.changes.contains(where: \.isMAC), link.isUp,
            let families = addresses[reference.namespace]?[link.index]?.map(\.address.address.family)
        else { return Surroundings() }
        let settings = MACNotice.settings.filter { family, key in
            families.contains(family) && link.setting(family: family.rawValue, key: key) == "0"
                && !(family == .ipv6 && difference.losesIPv6)
        }
        func write(_ value: String) -> [Operation] {
            settings.map {
                let path = MACNotice.path(reference.name, $0.family, $0.key)
                return .writeSetting(reference.namespace, path: path, value: value)
            }
        }
        return Surroundings(before: write("1"), after: write("0"))
    }

    /// Settings of a card that a run which was killed in the middle left on. They are told from those that its namespace
    /// gives by the loopback, which got the same when the namespace was made, and are the manifest's affair where it speaks of
    /// them at all. The defaults of a namespace of others may have come later.
    func leftNotices(on link: ObservedLink, in compartment: Compartment) -> [String] {
        guard case .owned = compartment.namespace else { return [] }
        let loopback = namespaces[compartment.reference]?.links.first(where: \.isLoopback)
        return MACNotice.settings.filter { family, key in
            link.setting(family: family.rawValue, key: key) == "1"
                && loopback?.setting(family: family.rawValue, key: key) == "0"
                && !compartment.sysctls.contains { $0.path.hasSuffix("/\(key)") }
        }
        .map { MACNotice.path(link.name, $0.family, $0.key) }
    }

    /// The same on a bridge of ours, which has on what the host gives all new interfaces.
    func leftNotices(on bridge: ObservedLink) -> [String] {
        MACNotice.settings.filter { family, key in
            bridge.setting(family: family.rawValue, key: key) == "1"
                && setting(MACNotice.path("default", family, key), in: observed.host) == "0"
        }
        .map { MACNotice.path(bridge.name, $0.family, $0.key) }
    }
}
