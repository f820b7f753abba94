internal import Addressing
internal import Model

/// A setting of the host that networks need.
public struct SharedSetting {
    let path: String
    let value: String
    /// The network that needs it.
    let source: SourceLocation

    /// Whether frames on bridges that do not say so themselves pass the IP firewall and its tracking.
    public static let bridgeTracking = ["net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables"]

    fileprivate var isTracking: Bool { Self.bridgeTracking.contains(path) }
}

extension Context {
    /// Settings of the host that forwarding needs, beside those of our bridges, with the first network that needs them.
    func sharedSettings() -> [SharedSetting] {
        var result: [SharedSetting] = []
        func add(_ path: String, _ value: String, _ network: Network) {
            result.append(SharedSetting(path: path, value: value, source: network.metadata.source))
        }
        for network in desired.networks {
            guard case .existingBridge = network.attachment,
                let bridge = attached[network.metadata.name]?.bridge
            else { continue }
            for (path, isOn) in zip(SharedSetting.bridgeTracking, [bridge.netfilterIPv4, bridge.netfilterIPv6])
            where !isOn && !result.contains(where: { $0.path == path }) {
                add(path, "1", network)
            }
        }
        for setting in routedSettings() { add(setting.path, setting.value, setting.network) }
        func nat(_ family: AddressFamily) -> Network? {
            desired.networks.first { $0.type == .nat && $0.families.contains(family) }
        }
        if let network = nat(.ipv4) {
            for link in uplinks(.ipv4) { add("net/ipv4/conf/\(link.name)/forwarding", "1", network) }
        }
        guard observed.features.ipv6 else { return result }
        if observed.features.forceForwarding {
            guard let network = nat(.ipv6) else { return result }
            for link in uplinks(.ipv6) { add("net/ipv6/conf/\(link.name)/force_forwarding", "1", network) }
        } else if let network = desired.networks.first(where: { routes($0, .ipv6) }) {
            // Router advertisements are ignored as soon as `all` forwards, except with 2: without it the host would
            // lose its own default route at once. So these come first.
            for link in observed.host.links.sorted(by: { $0.name < $1.name }) where !isMarked(link) {
                if ["1", "2"].contains(link.setting(family: "ipv6", key: "accept_ra")) {
                    add("net/ipv6/conf/\(link.name)/accept_ra", "2", network)
                }
            }
            add("net/ipv6/conf/all/forwarding", "1", network)
        }
        return result
    }

    /// What an uplink needs so that the host answers for endpoints there: the kernel does only where it forwards, and of IPv6
    /// only as a router of that link, which learns no default route any more unless `accept_ra` is 2.
    private func routedSettings() -> [(path: String, value: String, network: Network)] {
        desired.networks.filter(\.isRouted).flatMap { network -> [(path: String, value: String, network: Network)] in
            guard let link = attached[network.metadata.name] else { return [] }
            let (v4, v6) = ("net/ipv4/conf/\(link.name)", "net/ipv6/conf/\(link.name)")
            var settings: [(String, String)] = []
            if network.families.contains(.ipv4) { settings.append(("\(v4)/forwarding", "1")) }
            if network.families.contains(.ipv6), observed.features.ipv6 {
                if link.setting(family: "ipv6", key: "accept_ra") != "0" { settings.append(("\(v6)/accept_ra", "2")) }
                if observed.features.forceForwarding { settings.append(("\(v6)/force_forwarding", "1")) }
                settings += [("\(v6)/forwarding", "1"), ("\(v6)/proxy_ndp", "1")]
            }
            return settings.map { ($0.0, $0.1, network) }
        }
    }

    /// Whether a setting is one of a bridge that a network declares.
    fileprivate func isOfOurBridge(_ path: String) -> Bool {
        let parts = path.split(separator: "/")
        guard parts.count == 5, let link = hostLinks[String(parts[3])] else { return false }
        return isOurs(link) && desired.networks.contains { $0.bridge.text == link.name }
    }

    /// Whether networks of another scope may need what this one switched on.
    private var isSharedWithOthers: Bool {
        observed.host.links.contains { link in
            link.kind == "bridge" && (link.mark.map { $0.scope != desired.scope } ?? false)
        }
    }

    /// What goes back to the value that it had before bulkhead.
    func restoredOriginals() -> [OriginalSetting] {
        guard !isSharedWithOthers, !remains else { return [] }
        let needed = Set(sharedSettings().map(\.path))
        return observed.originals.filter { $0.path.hasPrefix("net/") && !needed.contains($0.path) }
    }

    /// Interfaces on which forwarding of a family was off before bulkhead, so that nothing of it may pass between them as
    /// long as it is on.
    func guardedInterfaces(_ family: AddressFamily) -> [String] {
        var names: Set<String> = []
        let restored = Set(restoredOriginals().map(\.path))
        let off = observed.originals.filter { $0.value == "0" && !restored.contains($0.path) }.map(\.path)
        // A machine that forwards IPv6 as a whole did so on interfaces that are not forced to, too.
        let isRouter =
            observed.features.forceForwarding && setting("net/ipv6/conf/all/forwarding", in: observed.host) == "1"
        if family == .ipv6 && isRouter { return [] }
        let now = sharedSettings().filter { setting($0.path, in: observed.host) == "0" }.map(\.path)
        for path in off + now where path.hasSuffix("forwarding") {
            let parts = path.split(separator: "/")
            guard parts.count == 5, parts[1] == family.rawValue else { continue }
            if parts[3] == "all" {
                names.formUnion(uplinks(.ipv6).map(\.name))
            } else if hostLinks[String(parts[3])] != nil {
                names.insert(String(parts[3]))
            }
        }
        // What is forwarded from an interface that is a port comes in by the bridge that stands for it.
        for network in desired.networks {
            if let uplink = uplink(network), names.contains(uplink.name) { names.insert(network.bridge.text) }
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
        if let setting = wanted.first(where: { setting in
            setting.isTracking && context.setting(setting.path, in: context.observed.host)?.trimmed == "0"
        }) {
            warn(
                "frames of all bridges of this host will pass the IP firewall: bulkhead changes nothing of a bridge of others, so "
                    + "the tracking of connections there is switched on for all", at: setting.source)
        }
        for (position, setting) in wanted.enumerated() {
            guard let old = context.setting(setting.path, in: context.observed.host)?.trimmed, old != setting.value
            else { continue }
            appendShared(setting, old: old, isKnown: originals[setting.path] != nil, position: position)
        }
        for original in context.restoredOriginals() { restore(original) }
    }

    private mutating func appendShared(
        _ setting: SharedSetting, old: String, isKnown: Bool, position: Int
    ) {
        let original = OriginalSetting(path: setting.path, value: old)
        // Settings are written in the order of the list: the number in front keeps it.
        let order = String(1000 + position)
        steps.append(
            Step(
                id: "setting/host/\(order)/\(setting.path)", action: .update, owner: nil, kind: .setting,
                summary: "host: \(setting.path) \(old) → \(setting.value)",
                reason: setting.isTracking
                    ? "an endpoint's connections on a bridge of others are tracked by it; the old value is kept for later"
                    : "a network forwards through this interface; the old value is kept for later",
                source: setting.source, before: [Property(setting.path, old)],
                after: [Property(setting.path, setting.value)],
                operations: (isKnown ? [] : [.rememberOriginal(original)])
                    + [.writeSetting(.host, path: setting.path, value: setting.value)],
                inverse: [.writeSetting(.host, path: setting.path, value: old)]
                    + (isKnown ? [] : [.forgetOriginal(original)]), phase: .host))
    }

    private mutating func restore(_ original: OriginalSetting) {
        if context.isOfOurBridge(original.path) { return forget(original) }
        let old = context.setting(original.path, in: context.observed.host)?.trimmed
        var operations: [Operation] = [.forgetOriginal(original)]
        var inverse: [Operation] = [.rememberOriginal(original)]
        if let old, old != original.value {
            operations.insert(.writeSetting(.host, path: original.path, value: original.value), at: 0)
            inverse.append(.writeSetting(.host, path: original.path, value: old))
        }
        steps.append(
            Step(
                id: "setting/host/\(original.path)", action: .update, owner: nil, kind: .setting,
                summary: "host: \(original.path) back to \(original.value)", reason: "no network needs it any more",
                source: nil, before: [Property(original.path, old ?? "")],
                after: [Property(original.path, original.value)], operations: operations, inverse: inverse,
                phase: .restore))
    }

    /// A bridge that was a card of the host when the value was noted, and has been taken over since: its settings are those
    /// of its network now.
    private mutating func forget(_ original: OriginalSetting) {
        steps.append(
            Step(
                id: "setting/host/\(original.path)", action: .update, owner: nil, kind: .setting,
                summary: "host: forget that \(original.path) was \(original.value)",
                reason: "the interface is no card of the host any more", source: nil,
                operations: [.forgetOriginal(original)], inverse: [.rememberOriginal(original)], phase: .restore))
    }

    /// Tracking of bridged frames needs a module that changes what other bridges of the host do, too.
    mutating func compareModule() {
        guard context.desired.networks.contains(where: { !$0.isMacvlan }), !context.observed.features.bridgeNetfilter
        else { return }
        let source = context.desired.networks.first?.metadata.source
        steps.append(
            Step(
                id: "module/br_netfilter", action: .create, owner: nil, kind: .module,
                summary: "load kernel module br_netfilter", reason: "bridged frames are tracked by it", source: source,
                isIrreversible: true, operations: [.loadModule("br_netfilter")], inverse: [], phase: .prepare))
        warn("loading br_netfilter lets frames of all bridges of this host pass the IP firewall", at: source)
    }
}

extension String {
    fileprivate var trimmed: String { split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
