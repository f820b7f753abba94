internal import CYAML
internal import Model

/// Why a file is not YAML that bulkhead takes.
struct YAMLError: Error, Hashable, Sendable {
    var message: String
    var position: YAMLNode.Position
}

/// Reads events from libyaml, the one place where its structures are touched.
@safe struct YAMLEventSource: ~Copyable {
    /// What the parser saw.
    enum Event {
        case streamEnd
        case documentStart
        case documentEnd
        case alias(String)
        case scalar(text: String, isPlain: Bool, anchor: String?, tag: String?)
        case sequenceStart(anchor: String?, tag: String?)
        case sequenceEnd
        case mappingStart(anchor: String?, tag: String?)
        case mappingEnd
        case other
    }

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let bytes: UnsafeMutableBufferPointer<UInt8>
    private let input: [UInt8]

    init(_ text: [UInt8]) {
        // libyaml would count a byte order mark as a column, and then find the next key too far left.
        input = text.starts(with: [0xef, 0xbb, 0xbf]) ? Array(text.dropFirst(3)) : text
        unsafe parser = .allocate(capacity: 1)
        unsafe bytes = .allocate(capacity: max(input.count, 1))
        for (index, byte) in input.enumerated() { unsafe bytes[index] = byte }
        unsafe yaml_parser_initialize(parser)
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, bytes.baseAddress, input.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe bytes.deallocate()
    }

    /// The next event and where it starts.
    func next() throws(YAMLError) -> (event: Event, position: YAMLNode.Position) {
        var raw = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &raw) == 1 else { throw problem() }
        defer { unsafe yaml_event_delete(&raw) }
        let position = unsafe Self.position(raw.start_mark)
        let type = unsafe raw.type
        let event: Event =
            switch type {
            case YAML_STREAM_END_EVENT: .streamEnd
            case YAML_DOCUMENT_START_EVENT: .documentStart
            case YAML_DOCUMENT_END_EVENT: .documentEnd
            case YAML_ALIAS_EVENT: unsafe .alias(Self.text(raw.data.alias.anchor) ?? "")
            case YAML_SCALAR_EVENT:
                unsafe .scalar(
                    text: Self.text(raw.data.scalar.value, raw.data.scalar.length),
                    isPlain: raw.data.scalar.style == YAML_PLAIN_SCALAR_STYLE,
                    anchor: Self.text(raw.data.scalar.anchor), tag: Self.text(raw.data.scalar.tag))
            case YAML_SEQUENCE_START_EVENT:
                unsafe .sequenceStart(
                    anchor: Self.text(raw.data.sequence_start.anchor), tag: Self.text(raw.data.sequence_start.tag))
            case YAML_SEQUENCE_END_EVENT: .sequenceEnd
            case YAML_MAPPING_START_EVENT:
                unsafe .mappingStart(
                    anchor: Self.text(raw.data.mapping_start.anchor), tag: Self.text(raw.data.mapping_start.tag))
            case YAML_MAPPING_END_EVENT: .mappingEnd
            case _: .other
            }
        return (event, position)
    }

    private func problem() -> YAMLError {
        let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "cannot be read"
        let context = unsafe parser.pointee.context.map { unsafe " \(String(cString: $0))" } ?? ""
        // Reader errors (control characters, bad UTF-8) carry an offset instead of a mark.
        let isReader = unsafe parser.pointee.error == YAML_READER_ERROR
        let position =
            unsafe isReader
            ? place(parser.pointee.problem_offset) : Self.position(parser.pointee.problem_mark)
        return YAMLError(message: "this is not YAML: \(problem)\(context)", position: position)
    }

    /// Line and column of a byte; those before it are known to be UTF-8.
    private func place(_ offset: Int) -> YAMLNode.Position {
        let text = SourceText(name: "", bytes: Array(input.prefix(offset)))
        return text.end
    }

    private static func position(_ mark: yaml_mark_t) -> YAMLNode.Position {
        .init(
            line: Int32(clamping: min(mark.line, 1 << 30) + 1), column: Int32(clamping: min(mark.column, 1 << 30) + 1))
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        guard let pointer = unsafe pointer else { return nil }
        return unsafe String(cString: pointer)
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?, _ length: Int) -> String {
        guard let pointer = unsafe pointer else { return "" }
        return unsafe String(decoding: UnsafeBufferPointer(start: pointer, count: length), as: UTF8.self)
    }
}
