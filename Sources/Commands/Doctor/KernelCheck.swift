internal import Reconciler

/// What the kernel has, and what its lack would mean.
enum KernelCheck {
    /// What manifests need a feature for; nil where nothing works without it.
    private static let uses: [(feature: String, name: String, need: String?)] = [
        ("link/bridge", "bridge", nil), ("link/veth", "veth", nil), ("nftables/inet", "nftables, family inet", nil),
        ("nftables/connection labels", "connection labels", nil),
        ("nftables/bridge", "nftables, family bridge", nil), ("nftables/NAT", "nftables NAT", "networks of type nat"),
        (
            "nftables/bridge conntrack", "connection tracking on bridges",
            "policies between endpoints of one network, without br_netfilter"
        ),
        ("link/tun", "tun", "endpoints with device: tap"), ("link/vlan", "vlan", "networks with a VLAN"),
        ("link/macvlan", "macvlan", "networks of type l2tunnel or with attachment: macvlan"),
        ("link/macvtap", "macvtap", "endpoints with device: macvtap"),
        ("link/vxlan", "vxlan", "networks of type overlay"),
        ("link/ifb", "ifb", "endpoints with bandwidth: egress"),
        ("setting/IPv6", "IPv6", "subnets of IPv6"),
    ]

    static func findings(_ survey: KernelSurvey) -> [Finding] {
        var result: [Finding] = []
        let there = uses.filter { survey.refusal($0.feature) == nil }.map(\.name)
        if !there.isEmpty {
            result.append(Finding(level: .ok, subject: "kernel", message: "has \(there.joined(separator: ", "))"))
        }
        for use in uses {
            guard let refusal = survey.refusal(use.feature) else { continue }
            let level: Finding.Level = use.need == nil ? .problem : .warning
            let words = use.need.map { "\($0) need it" } ?? "nothing works without it"
            result.append(
                Finding(
                    level: level, subject: "kernel", message: "has no \(use.name) (\(refusal)); \(words)",
                    remedy: remedy(use.feature)))
        }
        return result + [bridgeFilter(survey), forwarding(survey)].compactMap(\.self)
    }

    /// A module on the disk that the kernel did not load by itself; else it is a matter of how the kernel was built.
    private static func remedy(_ feature: String) -> [String] {
        let modules = [
            "nftables/bridge conntrack": "nf_conntrack_bridge", "nftables/NAT": "nft_nat", "nftables/inet": "nf_tables",
        ]
        let name = modules[feature] ?? String(feature.split(separator: "/").last ?? "")
        return HostSurvey.module(name) == .loadable ? ["modprobe \(name)"] : []
    }

    private static func bridgeFilter(_ survey: KernelSurvey) -> Finding? {
        guard survey.refusal("setting/br_netfilter") != nil else {
            let global = HostSurvey.setting("net/bridge/bridge-nf-call-iptables") ?? "?"
            return Finding(
                level: .ok, subject: "br_netfilter",
                message:
                    "is there; frames of other bridges \(global == "0" ? "pass the firewall by" : "go through the firewall, too") (net.bridge.bridge-nf-call-iptables = \(global))"
            )
        }
        let need = "policies between endpoints of one network need it"
        switch HostSurvey.module("br_netfilter") {
        case .there, .missing:
            return Finding(level: .warning, subject: "br_netfilter", message: "is not in this kernel; \(need)")
        case .loadable:
            return Finding(
                level: .note, subject: "br_netfilter",
                message: "is not loaded; \(need), and `apply` loads it, which the plan shows",
                remedy: ["modprobe br_netfilter"])
        }
    }

    private static func forwarding(_ survey: KernelSurvey) -> Finding? {
        guard survey.refusal("setting/IPv6") == nil, survey.refusal("setting/force_forwarding") != nil else {
            return nil
        }
        return Finding(
            level: .note, subject: "IPv6",
            message:
                "this kernel forwards IPv6 for all interfaces or none (no force_forwarding, Linux 6.17); for subnets of IPv6 that are routed or NATed, `apply` switches it on for all, after it made every interface keep its router advertisements"
        )
    }
}
