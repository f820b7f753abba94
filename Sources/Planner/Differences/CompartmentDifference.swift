internal import Addressing
internal import Model

extension Builder {
    /// What an owned compartment holds beside its cards: the loopback's addresses, routes and rules, and nothing else.
    ///
    /// In an adopted namespace all of it is its owner's.
    mutating func compareContents(_ compartment: Compartment, in space: ObservedNamespace) {
        guard case .owned = compartment.namespace else { return }
        if let loopback = space.links.first(where: \.isLoopback) {
            removeNames(compartment, loopback, in: space)
            compareLoopbackAddresses(compartment, loopback, in: space)
            removeRoutes(compartment, loopback, in: space)
        }
        compareRules(compartment, in: space)
        removeForeignLinks(compartment, in: space)
    }

    /// A card cannot get a name that the loopback has beside its own.
    private mutating func removeNames(
        _ compartment: Compartment, _ loopback: ObservedLink, in space: ObservedNamespace
    ) {
        takeNames(
            loopback.alternativeNames, from: LinkReference(space.reference, loopback.name),
            "the loopback has none, and it keeps others from their names", compartment)
    }

    private mutating func takeNames(
        _ names: [String], from reference: LinkReference, _ reason: String, _ compartment: Compartment
    ) {
        guard !names.isEmpty else { return }
        let list = names.map(\.terminalSafe).joined(separator: ", ")
        steps.append(
            Step(
                id: "link/\(place(reference))/names", action: .update, owner: compartment.id, kind: .link,
                namespace: reference.namespace, summary: "take alternative name \(list) from \(reference)",
                reason: reason, source: compartment.metadata.source,
                before: names.map { Property("alternative name", $0) },
                operations: [.changeLink(reference, names.map { .removeAlternativeName($0) })],
                inverse: [.changeLink(reference, names.reversed().map { .addAlternativeName($0) })],
                phase: .namespaces))
    }

    /// The kernel gives them when the loopback comes up.
    private mutating func compareLoopbackAddresses(
        _ compartment: Compartment, _ loopback: ObservedLink, in space: ObservedNamespace
    ) {
        let hasIPv6 = context.observed.features.ipv6 && loopback.setting(family: "ipv6", key: "disable_ipv6") != "1"
        let addresses = hasIPv6 ? Self.loopbackAddresses : Self.loopbackAddresses.filter { $0.address.family == .ipv4 }
        // One that is down has none, and gets them with `up`.
        let there = (context.addresses[space.reference]?[loopback.index] ?? []).map(\.address).filter(
            addresses.contains)
        compareAddresses(
            loopback.isUp ? addresses : there, on: LinkReference(space.reference, loopback.name), present: loopback,
            owner: compartment.id, source: compartment.metadata.source)
    }

    private static let loopbackAddresses = [("127.0.0.1", 8), ("::1", 128)].compactMap { text, length in
        IPAddress(text).flatMap { InterfaceAddress(address: $0, length: length) }
    }

    /// Routes that lead nowhere, or to the loopback.
    private mutating func removeRoutes(
        _ compartment: Compartment, _ loopback: ObservedLink, in space: ObservedNamespace
    ) {
        let reference = LinkReference(space.reference, loopback.name)
        let routes = space.routes.filter { route in
            let leads = route.link ?? route.nextHopLinks.first
            return route.isOthers && (leads == nil || leads == loopback.index)
        }
        let entries = routes.map { $0.entry(on: reference) }
        for entry in entries.sorted(by: { ($0.description, $0.metric) < ($1.description, $1.metric) }) {
            appendSurplus(entry, owner: compartment.id, source: compartment.metadata.source)
        }
    }

    /// The rules that every namespace begins with, and no others.
    private mutating func compareRules(_ compartment: Compartment, in space: ObservedNamespace) {
        let wanted = context.observed.initialRules.filter { $0.family == .ipv4 || context.observed.features.ipv6 }
        // As a namespace begins, nearly always.
        guard !space.rules.elementsEqual(wanted, by: { RuleKey($0) == RuleKey($1) }) else { return }
        let have = Set(space.rules.map { RuleKey($0) })
        let want = Set(wanted.map { RuleKey($0) })
        for rule in wanted where !have.contains(RuleKey(rule)) {
            appendRule(rule, compartment, isMissing: true, in: space.reference)
        }
        for rule in space.rules where !want.contains(RuleKey(rule)) {
            appendRule(rule, compartment, isMissing: false, in: space.reference)
        }
    }

    private struct RuleKey: Hashable {
        let family: AddressFamily
        let words: String
        init(_ rule: ObservedRule) {
            family = rule.family
            words = rule.words
        }
    }

    private mutating func appendRule(
        _ rule: ObservedRule, _ compartment: Compartment, isMissing: Bool, in namespace: NamespaceRef
    ) {
        let words = rule.words.terminalSafe
        let entry = RuleEntry(namespace: namespace, words: words, body: rule.body)
        let title = "\(rule.family.rawValue) rule \(words)"
        let property = [Property("rule", words)]
        steps.append(
            Step(
                id: "rule/\(namespace)/\(rule.family.rawValue)/\(words)", action: isMissing ? .create : .delete,
                owner: compartment.id, kind: .rule, namespace: namespace,
                summary: "\(isMissing ? "add" : "remove") \(title) \(isMissing ? "to" : "from") \(namespace)",
                reason: isMissing ? "every namespace begins with it" : "no manifest gives it",
                source: compartment.metadata.source, before: isMissing ? [] : property,
                after: isMissing ? property : [],
                operations: [isMissing ? .addRule(entry) : .removeRule(entry)],
                inverse: [isMissing ? .removeRule(entry) : .addRule(entry)],
                phase: isMissing ? .compartments : .reduce))
    }

    /// Names of cards that another card of ours has beside its own. Where it keeps its place the step that changes it takes
    /// them from it; one that is made anew must lose them before.
    private mutating func freeNames(_ cards: Set<String>, _ compartment: Compartment, in space: ObservedNamespace) {
        for link in space.links where context.isOwnCard(link, in: space) {
            let names = link.alternativeNames.filter(cards.contains)
            guard !names.isEmpty else { continue }
            let reference = LinkReference(space.reference, link.name)
            var id = "link/\(place(reference))"
            if !cards.contains(link.name) {
                id += "/names"
                takeNames(names, from: reference, "another card needs it", compartment)
            }
            for name in names { evictions[LinkReference(space.reference, name)] = id }
        }
    }

    /// A link that no manifest declares may lead around the policies.
    private mutating func removeForeignLinks(_ compartment: Compartment, in space: ObservedNamespace) {
        let cards = Set(
            (context.endpointsByCompartment[compartment.metadata.name] ?? []).compactMap(\.seat?.interface.text))
        freeNames(cards, compartment, in: space)
        for link in space.links where !link.isLoopback && !link.isFallback && !context.isOwnCard(link, in: space) {
            let reference = LinkReference(space.reference, link.name)
            let isTaken = cards.contains(link.name)
            // A card that lost its mark is complained of, or taken over.
            if isTaken, context.hostSide(of: reference).map(context.isCard) ?? false { continue }
            guard !link.kind.isEmpty else {
                // Cards complain of it by themselves.
                if isTaken { continue }
                warn(
                    "\(reference) is a device that no manifest gives to \(compartment.id), and it cannot be deleted; take "
                        + "it out with `ip -n \(space.reference) link set \(link.name.terminalSafe) netns 1`",
                    at: compartment.metadata.source)
                continue
            }
            let id = "link/\(place(reference))\(isTaken ? "/foreign" : "")"
            if isTaken { evictions[reference] = id }
            for name in link.alternativeNames where cards.contains(name) {
                evictions[LinkReference(space.reference, name)] = id
            }
            steps.append(
                Step(
                    id: id, action: .delete, owner: compartment.id, kind: Step.Kind(link: link.kind),
                    namespace: space.reference, summary: "delete \(link.kind.terminalSafe) \(reference)",
                    reason: "no manifest declares it, and it may lead around the policies",
                    source: compartment.metadata.source, before: [Property("name", link.name)], isIrreversible: true,
                    operations: [.deleteLink(reference)], inverse: [], phase: .links))
        }
    }

    /// Queueing disciplines that somebody put on our links.
    mutating func removeQdiscs(
        on reference: LinkReference, present link: ObservedLink?, besides parents: Set<UInt32> = [], owner: ObjectID,
        source: SourceLocation
    ) {
        guard let link else { return }
        for qdisc in context.qdiscs[reference.namespace]?[link.index] ?? []
        where qdisc.isOutermost && !parents.contains(qdisc.parent) {
            let kind = qdisc.kind.terminalSafe
            // A limit that the manifests had.
            let old = reference.namespace == .host ? context.spec(of: qdisc) : nil
            steps.append(
                Step(
                    id: "qdisc/\(place(reference))/\(kind)", action: .delete, owner: owner, kind: .qdisc,
                    namespace: reference.namespace, summary: "remove queueing discipline \(kind) from \(reference)",
                    reason: "no manifest gives it", source: source, before: [Property("qdisc", kind)],
                    isIrreversible: old == nil, operations: [.removeQdisc(reference, parent: qdisc.parent)],
                    inverse: old.map { [.addQdisc(reference, $0)] } ?? [],
                    phase: .links))
        }
    }
}

extension ObservedLink {
    /// The devices that tunnel modules put into every new namespace (`net.core.fb_tunnels_only_for_init_net`); they
    /// cannot be deleted.
    fileprivate var isFallback: Bool {
        [
            "tunl0": "ipip", "gre0": "gre", "gretap0": "gretap", "erspan0": "erspan", "ip_vti0": "vti",
            "ip6_vti0": "vti6", "sit0": "sit", "ip6tnl0": "ip6tnl", "ip6gre0": "ip6gre",
        ][name] == kind
    }
}

extension ObservedRoute {
    /// Neither made by the kernel nor learnt.
    fileprivate var isOthers: Bool {
        let learnt: Set<UInt8> = [1, 2, 9]
        return !learnt.contains(origin) && !destination.address.isMulticast
    }
}
