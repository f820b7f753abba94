internal import JSON
internal import Manifest
internal import Model
internal import Reachability
internal import SystemCalls

/// Manifests read, checked and resolved for one host.
struct Preparation {
    let state: DesiredState
    let warnings: [Diagnostic]
    let sources: [SourceText]

    /// Reads and resolves, or ends with everything that is wrong with the input.
    static func load(_ paths: [String], _ options: GlobalOptions) throws -> Preparation {
        try Rejected.told(options) { try resolve(read(paths), options) }
    }

    /// The same, but what is wrong is thrown (`Rejected`) and not printed.
    static func attempt(_ paths: [String], _ options: GlobalOptions) throws -> Preparation {
        try resolve(read(paths), options)
    }

    /// The same for texts that were read already; `names` say where they come from.
    static func load(_ sources: [SourceText], named names: [String], _ options: GlobalOptions) throws -> Preparation {
        try Rejected.told(options) { try attempt(sources, named: names, options) }
    }

    /// The same, but what is wrong is thrown (`Rejected`) and not printed.
    static func attempt(
        _ sources: [SourceText], problems: [Diagnostic] = [], named names: [String], _ options: GlobalOptions
    ) throws -> Preparation {
        try resolve(decode(sources, problems, names), options)
    }

    private static func resolve(_ input: Input, _ options: GlobalOptions) throws -> Preparation {
        let scope = try options.scopeName()
        let (documents, sources, problems) = input
        let outcome = Resolver.resolve(documents, scope: scope, host: options.hostName())
        let all = problems + outcome.diagnostics
        guard let state = outcome.state, !problems.contains(where: { $0.severity == .error }) else {
            throw Rejected(diagnostics: all, sources: sources)
        }
        let warnings = all + PolicyWarnings.of(state)
        return Preparation(state: state, warnings: DiagnosticText.sort(warnings), sources: sources)
    }

    /// The same with more to say.
    func warning(of more: [Diagnostic]) -> Preparation {
        Preparation(state: state, warnings: warnings + more, sources: sources)
    }

    typealias Input = (documents: Documents, sources: [SourceText], problems: [Diagnostic])

    /// Reads and decodes; problems of reading and of decoding come together.
    static func read(_ paths: [String]) -> Input {
        let input = InputLoader(paths)
        return decode(input.sources, input.problems, paths)
    }

    private static func decode(_ sources: [SourceText], _ before: [Diagnostic], _ names: [String]) -> Input {
        var decoder = Decoder()
        for source in sources { decoder.decode(source) }
        if !before.isEmpty { decoder.documents.isIncomplete = true }
        var problems = before + decoder.diagnostics
        if problems.isEmpty && decoder.documents.count == 0 {
            let names = names.map(\.terminalSafe).joined(separator: ", ")
            problems.append(Diagnostic(.error, "the manifests in \(names) hold no document", at: nil))
        }
        return (decoder.documents, sources, problems)
    }
}

/// What is wrong with manifests, or with them on this host; nothing was changed.
struct Rejected: Error {
    let diagnostics: [Diagnostic]
    let sources: [SourceText]

    /// Prints what is wrong, as people or programs read it, and ends the verb.
    static func told<Value>(_ options: GlobalOptions, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let rejected as Rejected {
            Complaints.print(rejected.diagnostics, sources: rejected.sources, options)
            throw Finish(.failed)
        }
    }
}

/// Errors and warnings on their way out.
enum Complaints {
    static func print(_ diagnostics: [Diagnostic], sources: [SourceText], _ options: GlobalOptions) {
        switch options.output {
        case .text:
            Terminal.err(DiagnosticText.render(diagnostics, sources: sources))
            let errors = diagnostics.count { $0.severity == .error }
            if errors > 1 { Terminal.err("\(errors) errors; nothing was changed\n") }
        case .json:
            let document: JSON = [
                "format": "bulkhead.diagnostics/v1", "valid": .bool(!diagnostics.contains { $0.severity == .error }),
                "diagnostics": .array(DiagnosticText.sort(diagnostics).map(PlanDocument.diagnostic)),
            ]
            Terminal.out(document.text(pretty: true))
        }
    }
}
