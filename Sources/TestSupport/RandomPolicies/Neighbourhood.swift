internal import Foundation

/// The machines and cables that `Surroundings` speaks of, around a host.
public final class Neighbourhood {
    /// What it is.
    public let surroundings: Surroundings
    /// The host under test.
    public let host: ScratchHost
    /// The router and the other machine of the LAN, in one; it has the addresses of the machine outside, too, for whom
    /// asks by the LAN.
    public let lan: ScratchHost?
    /// The other Host.
    public let peer: ScratchHost?

    /// Lays the cables.
    public init(_ surroundings: Surroundings, _ host: ScratchHost) throws {
        self.surroundings = surroundings
        self.host = host
        switch surroundings {
        case .alone: (lan, peer) = (nil, nil)
        case .uplink, .existingBridge: (lan, peer) = (try Self.lan(surroundings, host), nil)
        case .overlays, .gateways:
            let other = try ScratchHost()
            let ends = surroundings.hosts.map { "\($0.underlay)/24" }
            try host.connect("eth0", [ends[0]], to: other, "eth0", [ends[1]])
            (lan, peer) = (nil, other)
        }
    }

    private static func lan(_ surroundings: Surroundings, _ host: ScratchHost) throws -> ScratchHost {
        let lan = try ScratchHost()
        func prefixed(_ addresses: [String]) -> [String] { addresses.map { "\($0)/\(Surroundings.length($0))" } }
        let own = prefixed(Surroundings.ownAddresses)
        try host.connect(
            Surroundings.uplinkName, surroundings == .uplink ? own : [], to: lan, "eth0",
            prefixed(Surroundings.routers + Surroundings.neighbours))
        // Rules name it, and rules of two hosts are compared.
        try host.sh("ip link set \(Surroundings.uplinkName) address 02:00:00:00:69:02")
        if surroundings == .existingBridge {
            let bridge = Surroundings.bridgeName
            try host.sh(
                "ip link add \(bridge) address 02:00:00:00:69:03 type bridge; ip link set \(Surroundings.uplinkName) master \(bridge); ip link set \(bridge) up; "
                    + own.map { "ip address add \($0) dev \(bridge)\($0.contains(":") ? " nodad" : "")" }
                    .joined(separator: "; "))
        }
        for address in RandomManifests.outside { try lan.sh("ip address add \(address) dev lo") }
        // It routes from the LAN back into it, by the host.
        try lan.sh("sysctl -q net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
        try lan.sh(
            "ip route add 10.0.0.0/8 via \(Surroundings.ownAddresses[0]); ip route add fd00::/16 via \(Surroundings.ownAddresses[1])"
        )
        // Link-local addresses are checked for duplicates first.
        for one in [host, lan] { try one.sh("while ip -6 addr show | grep -q tentative; do sleep 0.05; done") }
        return lan
    }

    /// All hosts under test, with what bulkhead is told besides.
    public var machines: [(host: ScratchHost, options: [String])] {
        let all = [host] + (peer.map { [$0] } ?? [])
        let names = surroundings.hosts.map(\.name)
        return all.enumerated().map { place, host in
            (host, place < names.count ? ["--host", names[place]] : [])
        }
    }

    /// Writes the manifests to all, applies, and expects the second plan to be empty.
    public func apply(_ manifests: String) throws {
        for (host, options) in machines {
            try host.write("all.yaml", manifests)
            let verb = ["apply", "manifests", "--yes", "--allow-mass-delete", "--quiet"] + options
            let result = try host.run([ScratchHost.binary] + verb)
            guard result.status == 0 else {
                throw ScratchHost.Failure(description: "apply ended with \(result.status): \(result.errors)")
            }
            let plan = try host.run([ScratchHost.binary, "plan", "manifests", "--detailed-exitcode"] + options)
            guard plan.status == 0 else {
                throw ScratchHost.Failure(description: "not in sync after apply: \(plan.output)\(plan.errors)")
            }
        }
    }
}
