internal import Addressing
internal import Model

/// What is done around the change of a link.
struct Surroundings {
    /// Before all else; nothing undoes it.
    var first: [Operation] = []
    /// Before the change and its undoing, and behind both.
    var before: [Operation] = []
    var after: [Operation] = []
}

extension Context {
    /// What is written around a change of a switch's MAC, so that the kernel tells all neighbours of it (`arp_notify`,
    /// `ndisc_notify`): by themselves they go on sending to the old one for up to a minute.
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
        let settings = [(AddressFamily.ipv4, "arp_notify"), (.ipv6, "ndisc_notify")].compactMap {
            family, key -> String? in
            guard families.contains(family), link.setting(family: family.rawValue, key: key) == "0" else { return nil }
            if family == .ipv6 && difference.losesIPv6 { return nil }
            return "net/\(family.rawValue)/conf/\(reference.name)/\(key)"
        }
        func write(_ value: String) -> [Operation] {
            settings.map { .writeSetting(reference.namespace, path: $0, value: value) }
        }
        return Surroundings(before: write("1"), after: write("0"))
    }

    /// Settings of a card that a run which was killed in the middle left on. They are told from those that its namespace
    /// gives by the loopback, which has the same default, and are the manifest's affair where it speaks of them at all.
    func leftNotices(on reference: LinkReference, _ link: ObservedLink, _ compartment: Compartment) -> [String] {
        let loopback = namespaces[reference.namespace]?.links.first(where: \.isLoopback)
        return Self.leftNotices(on: link, loopback).filter { path in
            let key = path.drop { $0 != "_" }
            return !compartment.sysctls.contains { $0.path.hasSuffix(key) }
        }
    }

    /// The same on a bridge of ours.
    func leftNotices(on bridge: ObservedLink) -> [String] {
        Self.leftNotices(on: bridge, observed.host.links.first(where: \.isLoopback))
    }

    private static func leftNotices(on link: ObservedLink, _ loopback: ObservedLink?) -> [String] {
        [("ipv4", "arp_notify"), ("ipv6", "ndisc_notify")].filter { family, key in
            link.setting(family: family, key: key) == "1" && loopback?.setting(family: family, key: key) == "0"
        }
        .map { family, key in "net/\(family)/conf/\(link.name)/\(key)" }
    }
}
