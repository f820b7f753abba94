internal import ArgumentParser
internal import JSON
internal import Manifest
internal import Model
internal import Reachability

/// `bulkhead validate`.
struct Validate: Verb {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check manifests, offline.",
        discussion:
            "Every error of the whole input is reported in one run, with its place and, where one is close, a suggestion."
    )

    @OptionGroup var paths: PathArguments
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let (documents, sources, problems) = Preparation.read(paths.chosen)
        var diagnostics = problems + Resolver.validate(documents)
        if documents.hasPolicies, !diagnostics.contains(where: { $0.severity == .error }) {
            let scope = try global.scopeName()
            diagnostics += Resolver.shares(documents, scope: scope).flatMap { PolicyWarnings.of($0) }
        }
        let isBad = diagnostics.contains { $0.severity == .error }
        switch global.output {
        case .text:
            Complaints.print(diagnostics, sources: sources, global)
            if !isBad && !global.quiet {
                Terminal.out("\(documents.count) \(documents.count == 1 ? "document is" : "documents are") valid.\n")
            }
        case .json: Complaints.print(diagnostics, sources: sources, global)
        }
        if isBad { throw Finish(.failed) }
    }
}
