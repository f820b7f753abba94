/// Values that are one text in documents, as people write them; read strictly.
public protocol TextCoded: Codable, CustomStringConvertible {
    /// Reads the text; nil where it is no such value.
    init?(_ text: String)
}

extension TextCoded {
    /// Writes the text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// Reads the text; a value that cannot be is an error.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let value = Self(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "'\(text)' is no \(Self.self)"))
        }
        self = value
    }
}

extension IPAddress: TextCoded {}
extension IPPrefix: TextCoded {}
extension InterfaceAddress: TextCoded {}
extension InterfaceName: TextCoded {}
extension MACAddress: TextCoded {}
