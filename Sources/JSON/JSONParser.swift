internal import CJansson

/// Why text is not JSON.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What jansson says of it.
    public let reason: String
    /// Line, from 1.
    public let line: Int
    /// Column in bytes, from 1.
    public let column: Int

    /// `line 3, column 7: unexpected token near '}'`.
    public var description: String { "line \(line), column \(column): \(reason)" }
}

extension JSON {
    /// Parses one JSON value; duplicate names, depth over 2048 and text behind the value are errors.
    ///
    /// The parser is libjansson, which libnftables brings along; it bounds nesting and checks UTF-8.
    public init(parsing text: String) throws(JSONError) {
        try self.init(parsing: Array(text.utf8))
    }

    /// Parses one JSON value from UTF-8 bytes.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        var error = json_error_t()
        let flags = Int(JSON_DECODE_ANY | JSON_REJECT_DUPLICATES)
        let parsed = unsafe bytes.withUnsafeBytes { buffer in
            unsafe json_loadb(buffer.baseAddress, buffer.count, flags, &error)
        }
        guard let root = unsafe parsed else {
            let reason = unsafe withUnsafeBytes(of: error.text) { raw in
                unsafe String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            throw JSONError(reason: reason, line: Int(error.line), column: Int(error.column))
        }
        defer { unsafe json_decref(root) }
        self = unsafe Self.convert(root)
    }

    private static func convert(_ value: UnsafeMutablePointer<json_t>) -> JSON {
        switch unsafe value.pointee.type {
        case JSON_OBJECT: return unsafe convertObject(value)
        case JSON_ARRAY:
            let count = unsafe json_array_size(value)
            var elements: [JSON] = []
            elements.reserveCapacity(count)
            for index in 0..<count {
                if let element = unsafe json_array_get(value, index) { unsafe elements.append(convert(element)) }
            }
            return .array(elements)
        case JSON_STRING: return unsafe .string(text(json_string_value(value), json_string_length(value)))
        case JSON_INTEGER: return unsafe .int(Int64(json_integer_value(value)))
        case JSON_REAL: return unsafe .double(json_real_value(value))
        case JSON_TRUE: return .bool(true)
        case JSON_FALSE: return .bool(false)
        case _: return .null
        }
    }

    private static func convertObject(_ value: UnsafeMutablePointer<json_t>) -> JSON {
        var members: [JSONObject.Member] = []
        unsafe members.reserveCapacity(json_object_size(value))
        var iterator = unsafe json_object_iter(value)
        while let current = unsafe iterator {
            if let key = unsafe json_object_iter_key(current), let member = unsafe json_object_iter_value(current) {
                unsafe members.append(.init(key: String(cString: key), value: convert(member)))
            }
            unsafe iterator = json_object_iter_next(value, current)
        }
        return .object(JSONObject(members))
    }

    private static func text(_ pointer: UnsafePointer<CChar>?, _ length: Int) -> String {
        guard let pointer = unsafe pointer else { return "" }
        return unsafe String(decoding: UnsafeRawBufferPointer(start: pointer, count: length), as: UTF8.self)
    }
}
