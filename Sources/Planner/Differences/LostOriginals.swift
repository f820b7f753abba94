internal import Addressing
internal import Firewall
internal import JSON
internal import Model

/// What interfaces of the host were before bulkhead, where the notes of it in the state folder are gone.
///
/// Nothing may pass between interfaces on which forwarding was off before. The tables say of each that it is so; without
/// the notes a plan would take that away, and let others' packets through, and nothing would ever be switched off again.
struct LostOriginals {
    /// What is not noted any more.
    let settings: [OriginalSetting]
    /// The state with them.
    let observed: ObservedState

    init(_ observed: ObservedState, _ firewall: Ruleset) {
        let known = Set(observed.originals.map(\.path))
        let links = Dictionary(observed.host.links.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var paths: Set<String> = []
        for set in firewall.table(.inet)?.sets ?? [] {
            guard let family = NamedSet.guardedFamily(set.name) else { continue }
            for element in set.elements where element.comment == NamedSet.guardedComment {
                // A bridge of ours that stands for an uplink is named beside it.
                guard let name = element.key.string, let link = links[name], link.mark == nil else { continue }
                switch family {
                case .ipv4: paths.insert("net/ipv4/conf/\(name)/forwarding")
                case .ipv6 where observed.features.forceForwarding:
                    paths.insert("net/ipv6/conf/\(name)/force_forwarding")
                case .ipv6: paths.insert("net/ipv6/conf/all/forwarding")
                }
            }
        }
        // One that is off is as it was: it has been switched off again, or the note comes with switching it on.
        settings = paths.subtracting(known).sorted().filter { path in
            observed.host.setting(path) { links[$0] }.map { $0 != "0" } ?? false
        }.map { OriginalSetting(path: $0, value: "0") }
        var state = observed
        state.originals = (state.originals + settings).sorted { $0.path < $1.path }
        self.observed = state
    }
}

extension Builder {
    /// Notes them again, but for those that go back to what they were.
    mutating func noteLostOriginals(_ lost: [OriginalSetting]) {
        let restored = Set(context.restoredOriginals().map(\.path))
        for original in lost where !restored.contains(original.path) {
            steps.append(
                Step(
                    id: "setting/host/\(original.path)/note", action: .update, owner: nil, kind: .setting,
                    summary: "host: note again that \(original.path) was \(original.value)",
                    reason: "the note in the state folder is gone, and the firewall still says it", source: nil,
                    operations: [.rememberOriginal(original)], inverse: [.forgetOriginal(original)], phase: .prepare))
        }
    }
}
