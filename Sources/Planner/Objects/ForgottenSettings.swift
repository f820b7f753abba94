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

    /// Those of one card, with what the namespace gives a new one.
    func forgottenSettings(of compartment: Compartment, card: InterfaceName, beside wanted: [Setting]) -> [Setting] {
        let given = Set(wanted.map(\.path))
        return forgotten(compartment).compactMap { path in
            guard Reads.card(of: path) == card.text, !given.contains(path),
                let space = namespaces[compartment.reference]
            else { return nil }
            return setting(Reads.defaultPath(of: path), in: space).map { (path, $0, compartment.metadata.source) }
        }
    }

    /// What the mark file of a compartment has to note: what the manifest gives, and what could not be put back.
    func notedSettings(of compartment: Compartment) -> [String] {
        let lasting = forgotten(compartment).filter { path in
            guard !Self.isCardSetting(path), let space = namespaces[compartment.reference] else { return false }
            return observed.freshSettings[path] == nil && setting(path, in: space) != nil
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
            let cards = paths.filter(Context.isCardSetting)
            fresh.formUnion(paths.filter { !Context.isCardSetting($0) })
            namespaces.append(
                NamespaceReads(namespace: compartment.reference, paths: paths + cards.map { defaultPath(of: $0) }))
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
    fileprivate static func card(of path: String) -> String? {
        Context.isCardSetting(path) ? path.split(separator: "/").dropFirst(3).first.map(String.init) : nil
    }

    /// The setting from which a new card takes its own.
    fileprivate static func defaultPath(of path: String) -> String {
        var parts = path.split(separator: "/").map(String.init)
        if parts.count == 5 { parts[3] = "default" }
        return parts.joined(separator: "/")
    }
}
