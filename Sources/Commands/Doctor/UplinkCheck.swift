internal import Model
internal import Planner
internal import Reconciler

/// Files by which others configure an interface that a network has for its uplink, or is going to have: at the next boot or
/// reload they would give it addresses that belong on the bridge, or take it back.
struct UplinkCheck {
    let uplink: ObservedLink
    /// The bridge that it is a port of, or will be.
    let bridge: String
    /// Whether it is that already.
    let isHeld: Bool

    /// The uplinks that bulkhead holds: ports without a mark, of a bridge with one, whose MAC the bridge has; and those that a
    /// plan takes.
    static func all(_ host: ObservedNamespace, taken plan: Plan?) -> [UplinkCheck] {
        let held = host.links.compactMap { link -> UplinkCheck? in
            guard link.mark == nil, let index = link.master, let bridge = host.link(index: index), bridge.mark != nil,
                bridge.mac == link.mac
            else { return nil }
            return UplinkCheck(uplink: link, bridge: bridge.name, isHeld: true)
        }
        let names = Set(held.map(\.uplink.name))
        let taken = (plan?.steps ?? []).flatMap(\.operations).compactMap(\.move).compactMap { move -> UplinkCheck? in
            guard let bridge = move.master, !names.contains(move.uplink.name),
                let link = host.links.first(where: { $0.name == move.uplink.name })
            else { return nil }
            return UplinkCheck(uplink: link, bridge: bridge, isHeld: false)
        }
        return held + taken
    }

    var findings: [Finding] { networkd + networkManager + settings }

    var name: String { uplink.name }

    func warning(_ subject: String, _ reason: String, _ remedy: [String]) -> Finding {
        let role = isHeld ? "is the uplink of" : "becomes the uplink of"
        return Finding(
            level: .warning, subject: subject, message: "may change \(name), which \(role) \(bridge): \(reason)",
            remedy: remedy)
    }

    /// A command that writes a file of these lines.
    func write(_ lines: [String], to path: String) -> String {
        "printf '%s\\n' \(lines.map(\.shellWord).joined(separator: " ")) > \(path.shellWord)"
    }
}
