internal import ArgumentParser
internal import Model

/// `bulkhead graph`.
struct GraphVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "Draw networks, endpoints, published ports and allowed paths, from the manifests alone.",
        discussion: "SVG needs no other program; `dot -Tsvg` draws DOT, and code hosts draw Mermaid in comments.")
    static let outputs: [GlobalOptions.Output] = [.text]

    /// What draws it.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case svg
        case dot
        case mermaid
    }

    @OptionGroup var paths: PathArguments
    @OptionGroup var global: GlobalOptions

    @Option(help: "How the picture is written.")
    var format: Format = .svg

    func run() throws {
        let drawing = Drawing(try Preparation.load(paths.chosen, global).state)
        switch format {
        case .svg: Terminal.out(GraphSVG.render(drawing))
        case .dot: Terminal.out(GraphDOT.render(drawing))
        case .mermaid: Terminal.out(GraphMermaid.render(drawing))
        }
    }
}
