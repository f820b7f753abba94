internal import Model

extension ObservedLink {
    /// What the kernel calls the host's side of an endpoint's card (`IFLA_INFO_KIND`).
    static let cardKinds: Set<String> = ["veth", "tun", "macvtap"]

    /// Whether it is of a kind that cards have.
    var isCard: Bool { Self.cardKinds.contains(kind) }

    /// What people call its kind.
    var cardWord: String { tap == nil ? kind.terminalSafe : "tap" }
}

extension TapOptions {
    /// As steps show them.
    var properties: [Property] {
        [owner.map { Property("owner", $0.description) }, group.map { Property("group", $0.description) }]
            .compactMap(\.self) + (multiQueue ? [Property("multi-queue", "on")] : [])
    }

    /// What separates a tap from these attributes, old and new. A name that stands for no number yet differs from nothing.
    func differences(from old: TapOptions) -> [(before: Property, after: Property)] {
        func account(_ name: String, _ old: Account?, _ new: Account?) -> (before: Property, after: Property)? {
            guard new == nil || new?.number != nil, old?.number != new?.number else { return nil }
            return (Property(name, old?.description ?? ""), Property(name, new?.description ?? ""))
        }
        func word(_ isOn: Bool) -> String { isOn ? "on" : "off" }
        let queues = (Property("multi-queue", word(old.multiQueue)), Property("multi-queue", word(multiQueue)))
        return [account("owner", old.owner, owner), account("group", old.group, group)].compactMap(\.self)
            + (old.multiQueue == multiQueue ? [] : [queues])
    }
}

extension Context {
    /// Whether the link is the card of this endpoint, as another kind of device than the manifest wants by now.
    func isOtherDevice(_ link: ObservedLink, of endpoint: Endpoint, wanted kind: String) -> Bool {
        link.mark?.scope == desired.scope && link.mark?.owner == endpoint.id && link.isCard && link.kind != kind
    }
}
