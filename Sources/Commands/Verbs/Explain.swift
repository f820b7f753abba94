internal import ArgumentParser
internal import JSON
internal import Manifest

/// `bulkhead explain`.
struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say what a kind or a field of the manifests means.")

    @Argument(
        help: ArgumentHelp("KIND or KIND.FIELD, such as Endpoint.portMappings.", valueName: "kind[.field]"),
        completion: .list(JSONSchema.kinds))
    var path: String?

    @Flag(help: "Print the fields of all kinds as Markdown tables.")
    var markdown = false

    @Option(help: "How results are written.")
    var output: GlobalOptions.Format = .text

    func run() throws {
        if markdown, path == nil { return Terminal.out(Reference.markdown()) }
        guard let path, !markdown else {
            throw Complaint("explain takes KIND or KIND.FIELD, or --markdown alone", .usage)
        }
        do throws(Explanation.Unknown) {
            switch output {
            case .text: Terminal.out(try Explanation.of(path))
            case .json: Terminal.out(try Explanation.document(path).text(pretty: true))
            }
        } catch {
            throw Complaint(error.description)
        }
    }
}

/// `bulkhead schema`.
struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of a kind, or of all kinds together.")

    @Argument(
        help: ArgumentHelp("Host, Network, Compartment, Endpoint or Policy.", valueName: "kind"),
        completion: .list(JSONSchema.kinds))
    var kind: String?

    func run() throws {
        guard let kind else { return Terminal.out(JSONSchema.ofAnyKind().text(pretty: true)) }
        guard let name = JSONSchema.kinds.first(where: { $0.lowercased() == kind.lowercased() }),
            let schema = JSONSchema.of(kind: name)
        else {
            throw Complaint("unknown kind '\(kind)'; kinds are \(JSONSchema.kinds.joined(separator: ", "))")
        }
        Terminal.out(schema.text(pretty: true))
    }
}
