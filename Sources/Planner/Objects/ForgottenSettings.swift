internal import Addressing
public import Model

/// Settings of owned compartments that a manifest gave, and gives no more. They go back to what a new namespace, or a new
/// card in it, has.
extension Context {
    typealias Setting = (path: String, value: String, source: SourceLocation)

    /// Those of the namespace as a whole, with what they are to be.
    func forgottenSettings(of compartment: Compartment) -> [Setting] {
        let given = Set(namespaceSettings(compartment).map(\.path))
        return forgotten(compartment).compactMap { path in
            let names = DraggedSettings.drag(of: path)?.names ?? [path]
            // What every compartment is given is wanted anyhow.
            guard !Self.isCardSetting(path), given.isDisjoint(with: names) else { return nil }
            return observed.freshSettings[path].map { (path, $0, compartment.metadata.source) }
        }
    }

    /// Those of one card, with what a new one has.
    func forgottenSettings(
        of compartment: Compartment, _ endpoint: Endpoint, beside wanted: [Setting]
    ) -> [Setting] {
        let given = Set(wanted.map(\.path))
        return forgotten(compartment).compactMap { path in
            guard Reads.card(of: path) == endpoint.seat?.interface.text, !given.contains(path) else { return nil }
            // The kernel makes it follow the card's own; the default says something else.
            let value = Self.followsCard(path) ? String(endpoint.mtu) : newCardValue(path, compartment)
            return value.map { (path, $0, compartment.metadata.source) }
        }
    }

    /// Whether the kernel sets it anew when the card comes up (`addrconf_notify`).
    static func followsCard(_ path: String) -> Bool { path.hasPrefix("net/ipv6/conf/") && path.hasSuffix("/mtu") }

    private func newCardValue(_ path: String, _ compartment: Compartment) -> String? {
        switch Reads.template(of: path) {
        case .inSameNamespace(let template):
            namespaces[compartment.reference].flatMap { setting(template, in: $0) }
        case .inFreshNamespace(let template): observed.freshSettings[template]
        }
    }

    /// What the mark file of a compartment has to note: what the manifest gives, and what could not be put back.
    func notedSettings(of compartment: Compartment) -> [String] {
        let lasting = forgotten(compartment).filter { path in
            guard let space = namespaces[compartment.reference] else { return false }
            // Nothing in it is compared.
            if space.isUnsteady { return true }
            guard setting(path, in: space) != nil else { return false }
            guard Self.isCardSetting(path) else { return observed.freshSettings[path] == nil }
            return !Self.followsCard(path) && newCardValue(path, compartment) == nil
        }
        return compartment.sysctls.map(\.path) + lasting
    }

    private func forgotten(_ compartment: Compartment) -> [String] {
        guard case .owned(let name) = compartment.namespace, namespaces[compartment.reference] != nil,
            let file = filesByPath[markFile(ofNamespace: name)], file.mark?.scope == desired.scope
        else { return [] }
        return Reads.forgotten(compartment, file.content ?? "")
    }
}

extension Reads {
    /// Settings in owned compartments that a manifest gave and gives no more, with what has to be known to put them back:
    /// in the namespace itself, and of one that is made now.
    ///
    /// - Parameter folder: the netns-etc folder.
    public static func forgotten(
        _ desired: DesiredState, files: [ObservedFile], below folder: String
    ) -> (namespaces: [NamespaceReads], fresh: [String]) {
        let marks = Dictionary(
            files.compactMap { file in
                CompartmentFiles.namespace(of: file.path, below: folder).flatMap { $0.isMark ? ($0.name, file) : nil }
            }, uniquingKeysWith: { first, _ in first })
        var namespaces: [NamespaceReads] = []
        var fresh: Set<String> = []
        guard !marks.isEmpty else { return ([], []) }
        for compartment in desired.compartments {
            guard case .owned(let name) = compartment.namespace, let file = marks[name],
                file.mark?.scope == desired.scope
            else { continue }
            let paths = forgotten(compartment, file.content ?? "")
            guard !paths.isEmpty else { continue }
            var templates: [String] = []
            for path in paths {
                guard Context.isCardSetting(path) else {
                    fresh.insert(path)
                    continue
                }
                switch template(of: path) {
                case .inSameNamespace(let path): templates.append(path)
                case .inFreshNamespace(let path): fresh.insert(path)
                }
            }
            namespaces.append(NamespaceReads(namespace: compartment.reference, paths: paths + templates))
        }
        return (namespaces, fresh.sorted())
    }

    fileprivate static func forgotten(_ compartment: Compartment, _ content: String) -> [String] {
        let noted = SettingNotes.paths(in: content)
        guard !noted.isEmpty else { return [] }
        let given = Set(compartment.sysctls.map(\.path))
        return noted.filter { !given.contains($0) }
    }

    /// The interface whose setting it is; nil for those of the namespace as a whole.
    static func card(of path: String) -> String? {
        Context.isCardSetting(path) ? path.split(separator: "/").dropFirst(3).first.map(String.init) : nil
    }

    /// The setting from which a new card takes its own.
    fileprivate enum Template {
        case inSameNamespace(String)
        case inFreshNamespace(String)
    }

    /// `default` of the same namespace. Only the initial one has `neigh/default`; what the kernel has there, every new
    /// loopback has.
    fileprivate static func template(of path: String) -> Template {
        var parts = path.split(separator: "/").map(String.init)
        let isNeighbours = parts.count == 5 && parts[2] == "neigh"
        if parts.count == 5 { parts[3] = isNeighbours ? "lo" : "default" }
        let template = parts.joined(separator: "/")
        return isNeighbours ? .inFreshNamespace(template) : .inSameNamespace(template)
    }
}
