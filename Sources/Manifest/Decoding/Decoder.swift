internal import Addressing
public import Model

/// Turns files into documents, collecting everything that is wrong with them.
public struct Decoder {
    /// What could be read.
    public var documents = Documents()
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
            documents.isIncomplete = true
            return
        }
        var composer = YAMLComposer(source.bytes)
        do throws(YAMLError) {
            while let root = try composer.nextDocument() {
                count += 1
                guard count <= YAMLLimits.documents else {
                    documents.isIncomplete = true
                    // Once is enough.
                    if count == YAMLLimits.documents + 1 {
                        fail("more than \(YAMLLimits.documents) documents", root.position, source)
                    }
                    break
                }
                if !decode(root, source) { noteUnread(root) }
            }
        } catch {
            documents.isIncomplete = true
            fail(error.message, error.position, source)
        }
        for problem in composer.problems { fail(problem.message, problem.position, source) }
    }

    private mutating func fail(_ message: String, _ position: YAMLNode.Position, _ source: SourceText) {
        diagnostics.append(Diagnostic(.error, message, at: source.location(position)))
    }

    /// Remembers what a document would have declared.
    private mutating func noteUnread(_ root: YAMLNode) {
        guard let kind = root["kind"]?.text.flatMap({ ObjectKind(rawValue: $0) }),
            let name = root["metadata"]?["name"]?.text.flatMap({ ObjectName($0) })
        else {
            documents.isIncomplete = true
            return
        }
        documents.unread.insert(ObjectID(kind, name))
    }

    /// Reads one document; whether it could be read.
    private mutating func decode(_ root: YAMLNode, _ source: SourceText) -> Bool {
        guard case .mapping = root.content else {
            fail("a document must be a mapping, found \(root.typeName)", root.position, source)
            return false
        }
        guard let version = root["apiVersion"]?.text else {
            fail(
                "'apiVersion: \(KindSpec.apiVersion)' is missing; every document must be bulkhead's", root.position,
                source)
            return false
        }
        guard version == KindSpec.apiVersion else {
            let hint = version.hasPrefix("bulkhead.dev/") ? "" : "; every document must be bulkhead's"
            fail(
                "apiVersion '\(version)' is not \(KindSpec.apiVersion)\(hint)",
                root["apiVersion"]?.position ?? root.position, source)
            return false
        }
        guard let kindNode = root["kind"] else {
            fail("'kind' is missing", root.position, source)
            return false
        }
        guard let kind = kindNode.text else {
            fail("kind: expected a string, found \(kindNode.typeName)", kindNode.position, source)
            return false
        }
        guard let spec = KindSpec.named(kind) else {
            let kinds = KindSpec.all.map(\.kind)
            let hint = Suggestion.phrase(kind, among: kinds)
            let list = "; kinds are \(kinds.joined(separator: ", "))"
            fail("unknown kind '\(kind.prefix(60))'\(hint.isEmpty ? list : hint)", kindNode.position, source)
            return false
        }
        var check = SpecCheck(source: source)
        check.check(root, spec.document, what: kind)
        diagnostics += check.diagnostics
        guard check.diagnostics.isEmpty else { return false }
        let reader = DocumentReader(root: root, source: source)
        diagnostics += reader.metadataProblems()
        return append(kind, reader)
    }

    private mutating func append(_ kind: String, _ reader: DocumentReader) -> Bool {
        func add<Value>(_ value: Value?, to list: inout [Value]) -> Bool {
            if let value { list.append(value) }
            return value != nil
        }
        switch ObjectKind(rawValue: kind) {
        case .host: return add(reader.host(), to: &documents.hosts)
        case .network: return add(reader.network(), to: &documents.networks)
        case .compartment: return add(reader.compartment(), to: &documents.compartments)
        case .endpoint: return add(reader.endpoint(), to: &documents.endpoints)
        case .policy: return add(reader.policy(), to: &documents.policies)
        case nil: return false
        }
    }
}
