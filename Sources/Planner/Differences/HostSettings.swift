internal import Addressing
internal import Model

extension Context {
    /// Interfaces of the host by which a family is reached: up, not ours, with an address of it.
    func uplinks(_ family: AddressFamily) -> [ObservedLink] {
        let withAddress = Set(
            observed.host.addresses.filter { $0.address.address.family == family && !$0.address.address.isLinkLocal }
                .map(\.link))
        return observed.host.links.filter {
            $0.isUp && !$0.isLoopback && $0.mark == nil && withAddress.contains($0.index)
        }.sorted { $0.name < $1.name }
    }

    /// Settings of the host that forwarding needs, beside those of our bridges.
    func sharedSettings() -> [(path: String, value: String)] {
        var result: [(path: String, value: String)] = []
        let nat = desired.networks.filter { $0.type == .nat }
        if nat.contains(where: { $0.families.contains(.ipv4) }) {
            result += uplinks(.ipv4).map { ("net/ipv4/conf/\($0.name)/forwarding", "1") }
        }
        guard observed.features.ipv6 else { return result }
        if observed.features.forceForwarding {
            if nat.contains(where: { $0.families.contains(.ipv6) }) {
                result += uplinks(.ipv6).map { ("net/ipv6/conf/\($0.name)/force_forwarding", "1") }
            }
        } else if desired.networks.contains(where: { routes($0, .ipv6) }) {
            // Router advertisements are ignored as soon as `all` forwards, except with 2: without it the host would
            // lose its own default route at once. So these come first.
            for link in observed.host.links.sorted(by: { $0.name < $1.name }) where link.mark == nil {
                if ["1", "2"].contains(link.setting(family: "ipv6", key: "accept_ra")) {
                    result.append(("net/ipv6/conf/\(link.name)/accept_ra", "2"))
                }
            }
            result.append(("net/ipv6/conf/all/forwarding", "1"))
        }
        return result
    }

    /// Interfaces on which forwarding was off before bulkhead, so that nothing may pass between them.
    func guardedInterfaces() -> [String] {
        var names: Set<String> = []
        let off = observed.originals.filter { $0.value == "0" }.map(\.path)
        let now = sharedSettings().filter { observed.host.setting($0.path) == "0" }.map(\.path)
        for path in off + now where path.hasSuffix("forwarding") {
            let parts = path.split(separator: "/")
            guard parts.count == 5 else { continue }
            if parts[3] == "all" {
                names.formUnion(uplinks(.ipv6).map(\.name))
            } else if hostLinks[String(parts[3])] != nil {
                names.insert(String(parts[3]))
            }
        }
        return names.sorted()
    }
}

extension Builder {
    /// Forwarding on the host's other interfaces: switched on where a network needs it, and back where none does.
    mutating func compareSharedSettings() {
        let wanted = context.sharedSettings()
        let originals = Dictionary(
            context.observed.originals.map { ($0.path, $0.value) }, uniquingKeysWith: { first, _ in first })
        for (position, setting) in wanted.enumerated() {
            guard let old = context.observed.host.setting(setting.path)?.trimmed, old != setting.value else { continue }
            appendShared(setting, old: old, isKnown: originals[setting.path] != nil, position: position)
        }
        guard !isSharedWithOthers else { return }
        let needed = Set(wanted.map(\.path))
        for original in context.observed.originals where !needed.contains(original.path) { restore(original) }
    }

    private mutating func appendShared(
        _ setting: (path: String, value: String), old: String, isKnown: Bool, position: Int
    ) {
        let original = OriginalSetting(path: setting.path, value: old)
        // Settings are written in the order of the list: the number in front keeps it.
        let order = String(1000 + position)
        steps.append(
            Step(
                id: "setting/host/\(order)/\(setting.path)", action: .update, owner: nil, kind: "setting",
                summary: "host: \(setting.path) \(old) → \(setting.value)",
                reason: "a network forwards through this interface; the old value is kept for later",
                source: context.desired.networks.first?.metadata.source, before: [Property(setting.path, old)],
                after: [Property(setting.path, setting.value)],
                operations: (isKnown ? [] : [.rememberOriginal(original)])
                    + [.writeSetting(.host, path: setting.path, value: setting.value)],
                inverse: [.writeSetting(.host, path: setting.path, value: old)]
                    + (isKnown ? [] : [.forgetOriginal(original)]), phase: .host))
    }

    /// Whether networks of another scope may need what this one switched on.
    private var isSharedWithOthers: Bool {
        context.observed.host.links.contains { link in
            link.kind == "bridge" && (link.mark.map { $0.scope != context.desired.scope } ?? false)
        }
    }

    private mutating func restore(_ original: OriginalSetting) {
        guard context.options.removesOnly == nil || context.desired.networks.isEmpty else { return }
        let old = context.observed.host.setting(original.path)?.trimmed
        var operations: [Operation] = [.forgetOriginal(original)]
        var inverse: [Operation] = [.rememberOriginal(original)]
        if let old, old != original.value {
            operations.insert(.writeSetting(.host, path: original.path, value: original.value), at: 0)
            inverse.append(.writeSetting(.host, path: original.path, value: old))
        }
        steps.append(
            Step(
                id: "setting/host/\(original.path)", action: .update, owner: nil, kind: "setting",
                summary: "host: \(original.path) back to \(original.value)", reason: "no network needs it any more",
                source: nil, before: [Property(original.path, old ?? "")],
                after: [Property(original.path, original.value)], operations: operations, inverse: inverse,
                phase: .restore))
    }

    /// Tracking of bridged frames needs a module that changes what other bridges of the host do, too.
    mutating func compareModule() {
        guard !context.desired.networks.isEmpty, !context.observed.features.bridgeNetfilter else { return }
        let source = context.desired.networks.first?.metadata.source
        steps.append(
            Step(
                id: "module/br_netfilter", action: .create, owner: nil, kind: "module",
                summary: "load kernel module br_netfilter", reason: "bridged frames are tracked by it", source: source,
                operations: [.loadModule("br_netfilter")], inverse: [], phase: .prepare))
        warn("loading br_netfilter lets frames of all bridges of this host pass the IP firewall", at: source)
    }
}

extension String {
    fileprivate var trimmed: String { split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
