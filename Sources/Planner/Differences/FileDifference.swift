internal import Model

extension Builder {
    /// `resolv.conf` and `hosts` of owned compartments.
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
        if let file, file.content != "" || file.content == nil {
            guard file.mark?.scope == context.desired.scope else {
                fail(
                    "\(compartment.id): the file \(path.terminalSafe) is there and is not bulkhead's; move it away, or "
                        + "put its contents into `dns` and `hostAliases`", at: compartment.metadata.source)
                return
            }
        }
        let old = file?.content
        steps.append(
            Step(
                id: "file/\(path)", action: old == nil ? .create : .update, owner: compartment.id, kind: "file",
                summary: "\(old == nil ? "write" : "rewrite") \(path)",
                reason: old == nil ? "the compartment has names to resolve" : "its contents differ",
                source: compartment.metadata.source, operations: [.writeFile(path: path, content: content)],
                inverse: [old.map { .writeFile(path: path, content: $0) } ?? .removeFile(path: path)], phase: .files))
    }

    /// The file of names tells whether its namespace is protected (`prevent-destroy`), so it goes after it.
    private func requirement(ofFile path: String) -> [String] {
        let name = path.split(separator: "/").dropLast().last.map(String.init) ?? ""
        return ["namespace/\(NamespaceRef.named(name))"]
    }

    private mutating func removeFile(_ file: ObservedFile) {
        guard let mark = file.mark, mark.scope == context.desired.scope, context.mayRemove(mark.owner),
            let content = file.content
        else { return }
        steps.append(
            Step(
                id: "file/\(file.path)", action: .delete, owner: mark.owner, kind: "file",
                summary: "remove \(file.path.terminalSafe)", reason: "nothing declares it any more", source: nil,
                requires: requirement(ofFile: file.path), operations: [.removeFile(path: file.path)],
                inverse: [.writeFile(path: file.path, content: content)], phase: .restore))
    }
}
