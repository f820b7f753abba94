internal import Addressing
internal import Firewall
internal import JSON
internal import Model
internal import Reconciler
internal import SystemCalls

/// Something that no manifest of an import holds, with the reason.
struct Remark: Hashable {
    /// `bridge br1`.
    var subject: String
    var reason: String
    /// Commands, exactly as they are to be typed.
    var remedy: [String] = []

    /// One line for people, whatever the names hold.
    var text: String { "\(subject): \(reason)".terminalSafe }
}

/// What an import looks at: the host's links, the namespaces of the netns folder, and rules of others that translate.
struct ImportedHost {
    let state: ObservedState
    /// The scope's own tables.
    let firewall: Ruleset
    let scope: ObjectName
    let hostName: String
    /// Folder of the files of compartments.
    let namespaceFiles: String
    /// Rules of others that translate addresses, in the order of their tables.
    let translations: [ForeignTranslation]
    /// Namespaces by the ids that the ends of cables name them by; one that bulkhead made under its name, others by path.
    let spaces: [Int32: ObservedNamespace]
    /// What could not be read.
    let remarks: [Remark]

    static func read(_ global: GlobalOptions, _ session: HostSession) throws -> ImportedHost {
        let folders = try global.folders()
        let scope = try global.scopeName()
        var remarks: [Remark] = []
        let paths = try Files.list(folders.namespaces).compactMap { name -> String? in
            let path = "\(folders.namespaces)/\(name)"
            if ((try? Namespaces.open(path)) ?? nil) != nil { return path }
            remarks.append(
                Remark(subject: "namespace \(name)", reason: "its file is no network namespace, or cannot be opened"))
            return nil
        }
        let desired = DesiredState(scope: scope, host: global.hostName())
        let observation = try Observer(session, desired: desired, adopted: paths).observe()
        let spaces = spaces(observation.state, &remarks)
        let survey = try HostSurvey(session, links: observation.state.host.links.map(\.name))
        let found = try TranslationSurvey(session, chains: survey.chains)
        remarks += found.unread.map {
            Remark(
                subject: "table \($0)",
                reason: "nft cannot list it so that a program can read it; what it translates is not known")
        }
        remarks += filters(survey.chains)
        remarks += PolicyReport.all(observation.firewall).map {
            Remark(
                subject: "policy \($0.name)",
                reason: "it is in force in scope \(scope), and no import writes policies; keep its manifest")
        }
        return ImportedHost(
            state: observation.state, firewall: observation.firewall, scope: scope, hostName: global.hostName(),
            namespaceFiles: folders.namespaceFiles,
            translations: found.rules, spaces: spaces, remarks: remarks)
    }

    /// The first name of each namespace that is not the host's own; one of ours is known by its name.
    private static func spaces(_ state: ObservedState, _ remarks: inout [Remark]) -> [Int32: ObservedNamespace] {
        var first: [UInt64: NamespaceRef] = [:]
        var spaces: [Int32: ObservedNamespace] = [:]
        for space in state.namespaces.sorted(by: { $0.reference < $1.reference }) {
            let title = "namespace \(space.reference)"
            guard space.inode != state.host.inode else {
                remarks.append(Remark(subject: title, reason: "it is the host's own"))
                continue
            }
            if let other = first[space.inode] {
                // What is ours was read under its name and by its path.
                guard case .path = other else { continue }
                remarks.append(Remark(subject: title, reason: "it is the same namespace as \(other)"))
                continue
            }
            first[space.inode] = space.reference
            if let id = space.namespaceID { spaces[id] = space }
        }
        return spaces
    }

    /// Rules that decide about packets are in force beside those of bulkhead, and are nobody's manifest.
    private static func filters(_ chains: [BaseChain]) -> [Remark] {
        let tables = Dictionary(grouping: chains.filter { $0.type == "filter" }) { "\($0.family) \($0.table)" }
        return tables.sorted { $0.key < $1.key }.map { title, chains in
            let hooks = Set(chains.map(\.hook)).sorted().joined(separator: ", ")
            return Remark(
                subject: "table \(title)",
                reason:
                    "its rules (\(hooks)) stay in force beside those of bulkhead; where they say who may talk to whom, write policies"
            )
        }
    }
}

extension ImportedHost {
    /// Name of the compartment whose namespace of ours is called otherwise.
    func compartmentName(_ card: ImportedCard) -> String? {
        guard card.isOwned else { return nil }
        return state.files.lazy.filter {
            $0.path == "\(namespaceFiles)/\(CompartmentFiles.markFolder)/\(card.spaceName)"
        }
        .compactMap(\.mark).first { $0.scope == scope && $0.owner.kind == .compartment }?.owner.name.text
    }

    /// Names that objects of the scope have already: those in marks, and of the compartments that hold a marked card.
    func takenNames(_ cards: [ImportedCard]) -> [ObjectID] {
        let own = cards.filter { $0.link.mark?.scope == scope }
        return state.host.links.compactMap { $0.mark?.scope == scope ? $0.mark?.owner : nil }
            + own.compactMap { card in
                ObjectName(compartmentName(card) ?? card.spaceName).map { ObjectID(.compartment, $0) }
            }
    }

    /// What bulkhead wrote for the processes of a compartment (`dns`); nil where it wrote none.
    func nameServers(_ card: ImportedCard) -> JSONObject? {
        let path = "\(namespaceFiles)/\(card.spaceName)/resolv.conf"
        guard let text = state.files.first(where: { $0.path == path && $0.mark != nil })?.content else { return nil }
        var lists: [String: [JSON]] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let first = words.first else { continue }
            lists[String(first), default: []] += words.dropFirst().map { .string(String($0)) }
        }
        var dns: JSONObject = [:]
        for (key, name) in [("servers", "nameserver"), ("search", "search"), ("options", "options")] {
            if let list = lists[name] { dns[key] = .array(list) }
        }
        return dns.members.isEmpty ? nil : dns
    }

    /// Whether the scope has something already, which an apply of other manifests alone would delete.
    var isInUse: Bool {
        let isOwn = state.namespaces.contains { if case .named = $0.reference { true } else { false } }
        return isOwn || state.host.links.contains { $0.mark?.scope == scope }
    }

    /// Cards of the host that lead into a namespace, and the bridges that they are on, by name of the host's side.
    var cards: [ImportedCard] {
        let bridges = Dictionary(
            state.host.links.filter { $0.kind == "bridge" }.map { ($0.index, $0) },
            uniquingKeysWith: { first, _ in first })
        return state.host.links.compactMap { link in
            guard link.kind == "veth", let bridge = link.master.flatMap({ bridges[$0] }),
                let space = link.peerNamespaceID.flatMap({ spaces[$0] }),
                let inner = link.peerIndex.flatMap({ space.link(index: $0) })
            else { return nil }
            return ImportedCard(link: link, bridge: bridge, space: space, inner: inner)
        }.sorted { $0.link.name < $1.link.name }
    }

    /// Everything that is a port of the bridge.
    func ports(of bridge: ObservedLink) -> [ObservedLink] { state.host.links.filter { $0.master == bridge.index } }

    /// Addresses of a link that manifests can speak of, sorted.
    func addresses(of link: ObservedLink, in space: ObservedNamespace) -> [ObservedAddress] {
        space.addresses.filter { $0.link == link.index && !$0.address.address.isLinkLocal }
            .sorted { $0.address < $1.address }
    }
}

/// A veth of the host that is a port of a bridge, and its other end in a namespace.
struct ImportedCard {
    let link: ObservedLink
    let bridge: ObservedLink
    let space: ObservedNamespace
    let inner: ObservedLink

    /// Whether bulkhead made the namespace, in this scope.
    var isOwned: Bool { if case .named = space.reference { true } else { false } }
    /// Name of the namespace's file.
    var spaceName: String { space.reference.text.split(separator: "/").last.map(String.init) ?? "" }
}
