internal import Model

extension Builder {
    /// `resolv.conf` and `hosts` of owned compartments, and marks.
    mutating func compareFiles() {
        var wanted: Set<String> = []
        for compartment in context.desired.compartments {
            for (path, content) in context.files(compartment) {
                wanted.insert(path)
                compareFile(path, content, context.filesByPath[path], compartment)
            }
        }
        for file in context.observed.files where !wanted.contains(file.path) { removeFile(file) }
    }

    private mutating func compareFile(
        _ path: String, _ content: String, _ file: ObservedFile?, _ compartment: Compartment
    ) {
        if let file, file.content == content { return }
        if let file, file.content != "", !isOurs(file) {
            fail(
                "\(compartment.id): the file \(path.terminalSafe) is there and is not bulkhead's; move it away, or "
                    + "put its contents into `dns` and `hostAliases`", at: compartment.metadata.source)
            return
        }
        let isMark = path == markFile(of: compartment)
        let reason =
            !isMark
            ? "the compartment has names to resolve"
            : compartment.sysctls.isEmpty ? "the namespace's id does not tell it" : "it notes which settings are given"
        // A setting is noted before it is written, and for as long as it is not put back.
        let notes = isMark ? Set(SettingNotes.paths(in: content)) : []
        let isNoting = !notes.isSubset(of: SettingNotes.paths(in: file?.content ?? ""))
        steps.append(
            Step(
                id: "file/\(path)", action: file == nil ? .create : .update, owner: compartment.id, kind: .file,
                summary: "\(file == nil ? "write" : "rewrite") \(path)",
                reason: file == nil ? reason : "its contents differ", source: compartment.metadata.source,
                losses: file.map(losses) ?? [], operations: [.writeFile(path: path, content: content)],
                inverse: file.map(restoration) ?? [.removeFile(path: path)], phase: isNoting ? .prepare : .files))
    }

    private func markFile(of compartment: Compartment) -> String? {
        guard case .owned(let name) = compartment.namespace else { return nil }
        return context.markFile(ofNamespace: name)
    }

    /// Beside an owned namespace whatever it says: whoever is in there writes it.
    private func isOurs(_ file: ObservedFile) -> Bool {
        if file.content == nil && !file.isOpaque { return false }
        return file.mark?.scope == context.desired.scope || context.folderMark(file) != nil
    }

    /// A file of a namespace that goes with it stays until then, as does the mark that tells whether it may.
    private func requirement(ofFile path: String) -> [String] {
        CompartmentFiles.namespace(of: path, below: context.options.netnsEtcDirectory)
            .map { ["namespace/\(NamespaceRef.named($0.name))"] } ?? []
    }

    private mutating func removeFile(_ file: ObservedFile) {
        let folder = context.folderMark(file)
        let own = file.mark.flatMap { $0.scope == context.desired.scope ? $0 : nil }
        guard isOurs(file), let owner = (folder ?? own)?.owner, context.mayRemove(owner) else { return }
        // Without a mark it may be somebody's way to give a compartment name servers of which the manifests do not speak.
        guard own != nil || !isDeclared(file) else { return }
        steps.append(
            Step(
                id: "file/\(file.path)", action: .delete, owner: owner, kind: .file,
                summary: "remove \(file.path.terminalSafe)", reason: "nothing declares it any more", source: nil,
                losses: losses(file),
                // One that bears no mark would not be known for ours once the namespace is gone.
                requires: own == nil ? [] : requirement(ofFile: file.path),
                operations: [.removeFile(path: file.path)], inverse: restoration(file),
                phase: own == nil ? .reduce : .restore))
    }

    /// Whether the namespace in whose folder it lies is a declared compartment's.
    private func isDeclared(_ file: ObservedFile) -> Bool {
        let place = CompartmentFiles.namespace(of: file.path, below: context.options.netnsEtcDirectory)
        return context.desired.compartments.contains { $0.reference == place.map { .named($0.name) } }
    }

    private func losses(_ file: ObservedFile) -> [String] {
        file.content == nil ? ["what \(file.path.terminalSafe) holds, which is no text,"] : []
    }

    private func restoration(_ file: ObservedFile) -> [Operation] {
        file.content.map { [.writeFile(path: file.path, content: $0)] } ?? []
    }
}
