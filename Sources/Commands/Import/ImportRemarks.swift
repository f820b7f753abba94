internal import Firewall
internal import Model

extension ImportDrafter {
    /// All that is on the host beside bridges and their cards.
    mutating func remarkOthers() {
        let known = Set(cards.map(\.link.index))
        for link in host.state.host.links.sorted(by: { $0.name < $1.name })
        where !known.contains(link.index) && link.mark == nil && !link.isLoopback && !link.isIdleTunnel {
            // What is on a bridge that a program makes is the program's, too.
            let master = link.master.flatMap { host.state.host.link(index: $0) }
            guard master.flatMap({ BridgeMaker(bridge: $0.name) }) == nil else { continue }
            guard let reason = reason(link) else { continue }
            draft.remarks.append(Remark(subject: link.words, reason: reason))
        }
        remarkNamespaces()
        remarkTranslations()
    }

    /// Why a link is in no manifest; nil for what needs no words: interfaces that are there by themselves, and bridges, of
    /// which all was said.
    private func reason(_ link: ObservedLink) -> String? {
        switch link.kind {
        case "", "bridge": nil
        case "veth":
            if link.master == nil, !host.addresses(of: link, in: host.state.host).isEmpty {
                // It is as good as a physical one.
                nil
            } else if link.peerNamespaceID == nil {
                "both its ends are on the host"
            } else if link.peerNamespaceID.flatMap({ host.spaces[$0] }) == nil {
                "its other end is in a namespace that no file of the netns folder names: a container runtime's, or another program's"
            } else {
                "it is on no bridge; endpoints are"
            }
        case "macvlan", "macvtap", "ipvlan", "ipvtap", "vlan":
            "it stands on another interface, and no manifest takes such a one over"
        case "tun":
            link.tap == nil
                ? "it takes no Ethernet frames, and no switch has such a port"
                : "what its virtual machine has behind it cannot be read; declare it with `device: tap`, and take it over with `bulkhead apply --adopt`"
        case _: "no manifest takes interfaces of this kind over"
        }
    }

    private mutating func remarkNamespaces() {
        let used = Set(cards.map(\.space.reference))
        for space in host.spaces.values.sorted(by: { $0.reference < $1.reference }) {
            let isOurs = if case .named = space.reference { true } else { false }
            guard !used.contains(space.reference), !isOurs else { continue }
            let links = space.links.filter { !$0.isLoopback && !$0.isIdleTunnel }.map(\.words).sorted()
            let what =
                links.isEmpty
                ? "it has no card at all"
                : "none of its cards is on a bridge of the host (\(links.joined(separator: ", ")))"
            let name = space.reference.text.split(separator: "/").last.map(String.init) ?? ""
            draft.remarks.append(Remark(subject: "namespace \(name)", reason: what))
        }
    }

    /// Rules that translate and are said at no document.
    private mutating func remarkTranslations() {
        let said = draft.documents.flatMap(\.comments)
        for rule in host.translations where !said.contains(where: { $0.contains(rule.text) }) {
            let reason =
                switch rule.effect {
                case .publishes(_, _, _, let target, _):
                    "it leads to \(target), which is no address of what is imported"
                case .masquerades: "it is for no network that is imported"
                case .unclear: "it says more than a manifest can"
                }
            draft.remarks.append(
                Remark(
                    subject: "rule in table \(rule.table), chain \(rule.chain)",
                    reason: "\(reason), and stays: \(rule.text)"))
        }
    }
}

extension ObservedLink {
    /// `macvlan eth1`, for people.
    var words: String { "\(kind.isEmpty ? "interface" : kind) \(name)" }

    /// What modules of tunnels put into every namespace (`tunl0`, `sit0`), and nobody uses.
    var isIdleTunnel: Bool {
        !isUp
            && ["sit", "ipip", "gre", "gretap", "ip6tnl", "ip6gre", "vti", "vti6", "erspan", "ip6gretap", "ip6_vti"]
                .contains(kind)
    }
}
