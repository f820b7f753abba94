internal import ArgumentParser
internal import JSON
internal import Model
internal import Reconciler

/// `bulkhead import`.
struct Import: Verb {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Write manifests for what exists on this host: bridges, and namespaces with cards on them.",
        discussion:
            "Changes nothing. What no manifest can say, or an apply would take away, is left out and said, in comments and on standard error. The first comment holds the `apply --adopt` that takes over what is written."
    )

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try Comparison.requireRights()
        let session = try HostSession(try global.folders())
        let host = try ImportedHost.read(global, session)
        let draft = try Rejected.told(global) {
            try ImportCheck(host: host, global: global, session: session).settle()
        }
        let report = ImportReport(draft, host: host, scope: global.scope)
        switch global.output {
        case .text: Terminal.out(report.text)
        case .json: Terminal.out(report.document.text(pretty: true))
        }
        for remark in draft.remarks { global.warn("left out: \(remark.text)") }
    }
}

/// A draft as people and programs read it.
struct ImportReport {
    private let draft: ImportDraft
    private let host: ImportedHost
    private let scope: String

    init(_ draft: ImportDraft, host: ImportedHost, scope: String) {
        self.draft = draft
        self.host = host
        self.scope = scope
    }

    /// Manifests, with all that is to be said in comments.
    var text: String {
        ManifestText.comment(head) + manifests
            + (draft.remarks.isEmpty ? "" : ManifestText.comment(["", "Left out:"] + left))
    }

    private var manifests: String {
        draft.documents.map { ManifestText.document($0.id, $0.spec, comments: $0.comments) }.joined()
    }

    private var left: [String] {
        draft.remarks.flatMap { remark in ["- \(remark.text)"] + remark.remedy.map { "    \($0)" } }
    }

    /// The command that takes over what is written; FILE is where the output went.
    private var command: [String] {
        let first =
            "bulkhead apply" + (scope == "default" ? "" : " --scope \(scope)") + (host.isInUse ? " --no-prune" : "")
        let options = draft.adopts.map { "--adopt \($0)" }
        return ([first] + options + ["FILE"])
    }

    private var head: [String] {
        var lines = ["What `bulkhead import` found on \(host.hostName); nothing was changed."]
        guard !draft.documents.isEmpty else { return lines + ["There is nothing here that a manifest could say."] }
        lines.append("")
        lines += ["Read it, then see what it does (`plan` for `apply`) and take it over:"]
        lines += command.enumerated().map { number, part in
            (number == 0 ? "  " : "    ") + part + (number == command.count - 1 ? "" : " \\")
        }
        lines += ["", "From then on endpoints send only from the addresses below (`antiSpoof`), and only IP and ARP."]
        lines += draft.notes
        if host.isInUse {
            lines += [
                "Scope \(scope) has objects already. Without --no-prune an apply of this alone would delete those that are",
                "not below: put it beside their manifests, and apply them together.",
            ]
        }
        return lines
    }

    /// The same for programs.
    var document: JSON {
        [
            "format": "bulkhead.import/v1", "host": .string(host.hostName), "scope": .string(scope),
            "adopt": .array(draft.adopts.map { .string("\($0)") }), "manifests": .string(manifests),
            "notes": .array(draft.notes.map { .string($0) }),
            "leftOut": .array(
                draft.remarks.map { remark in
                    [
                        "subject": .string(remark.subject), "reason": .string(remark.reason),
                        "remedy": .array(remark.remedy.map { .string($0) }),
                    ]
                }),
        ]
    }
}
