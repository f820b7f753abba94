internal import Addressing
public import Model

/// Turns files into documents, collecting everything that is wrong with them.
public struct Decoder {
    /// What could be read.
    public private(set) var documents = Documents()
    /// What is wrong.
    public private(set) var diagnostics: [Diagnostic] = []
    private var count = 0

    /// Most bytes that one file may have.
    public static let byteLimit = YAMLLimits.bytes

    /// A decoder that has read nothing.
    public init() {}

    /// Reads one file; errors in one document do not hide those of the next.
    public mutating func decode(_ source: SourceText) {
        guard source.bytes.count <= YAMLLimits.bytes else {
            let size = "\(source.name.terminalSafe) is larger than \(YAMLLimits.bytes >> 20) MiB; split it"
            diagnostics.append(Diagnostic(.error, size, at: nil))
            return
        }
        var composer = YAMLComposer(source.bytes)
        do throws(YAMLError) {
            while let root = try composer.nextDocument() {
                count += 1
                guard count <= YAMLLimits.documents else {
                    fail("more than \(YAMLLimits.documents) documents", root.position, source)
                    return
                }
                decode(root, source)
            }
        } catch {
            fail(error.message, error.position, source)
        }
        for problem in composer.problems { fail(problem.message, problem.position, source) }
    }

    private mutating func fail(_ message: String, _ position: YAMLNode.Position, _ source: SourceText) {
        diagnostics.append(Diagnostic(.error, message, at: source.location(position)))
    }

    private mutating func decode(_ root: YAMLNode, _ source: SourceText) {
        guard case .mapping = root.content else {
            fail("a document must be a mapping, found \(root.typeName)", root.position, source)
            return
        }
        guard let version = root["apiVersion"]?.text else {
            fail(
                "'apiVersion: \(KindSpec.apiVersion)' is missing; every document must be bulkhead's", root.position,
                source)
            return
        }
        guard version == KindSpec.apiVersion else {
            let hint = version.hasPrefix("bulkhead.dev/") ? "" : "; every document must be bulkhead's"
            fail(
                "apiVersion '\(version)' is not \(KindSpec.apiVersion)\(hint)",
                root["apiVersion"]?.position ?? root.position, source)
            return
        }
        guard let kindNode = root["kind"], let kind = kindNode.text else {
            fail("'kind' is missing", root.position, source)
            return
        }
        guard let spec = KindSpec.named(kind) else {
            let hint = Suggestion.phrase(kind, among: KindSpec.all.map(\.kind))
            fail("unknown kind '\(kind)'\(hint)", kindNode.position, source)
            return
        }
        var check = SpecCheck(source: source)
        check.check(root, spec.document, what: kind)
        diagnostics += check.diagnostics
        guard check.diagnostics.isEmpty else { return }
        let reader = DocumentReader(root: root, source: source)
        diagnostics += reader.metadataProblems()
        append(kind, reader)
    }

    private mutating func append(_ kind: String, _ reader: DocumentReader) {
        switch ObjectKind(rawValue: kind) {
        case .host: if let value = reader.host() { documents.hosts.append(value) }
        case .network: if let value = reader.network() { documents.networks.append(value) }
        case .compartment: if let value = reader.compartment() { documents.compartments.append(value) }
        case .endpoint: if let value = reader.endpoint() { documents.endpoints.append(value) }
        case .policy: if let value = reader.policy() { documents.policies.append(value) }
        case nil: break
        }
    }
}
