internal import Addressing
internal import Model

/// The kinds of text that manifests hold: what each accepts, and how it is called.
enum TextFormat: Hashable, Sendable {
    case name
    case address
    case prefix
    case range
    case mac
    case interface
    case rate
    case size
    case path
    case domain
    case icmpType
    case account
    case words([String])
    case free
    /// Free text that may have lines.
    case note

    /// With its article, for messages.
    var words: String {
        switch self {
        case .name: "a name (DNS-1123 label: a-z, 0-9 and '-', at most 63 characters)"
        case .address: "an IPv4 or IPv6 address"
        case .prefix: "a prefix such as 10.0.0.0/8, with no host bits set"
        case .range: "an address range such as 10.0.0.10-10.0.0.20, an address or a prefix"
        case .mac: "a MAC address such as 02:00:00:00:00:01"
        case .interface:
            "an interface name of at most 15 visible characters without '/', ':', '%', '*', '\"' or '\\', '@' not first"
        case .rate: "a rate such as 100Mbit, at least 8Kbit"
        case .size: "a size such as 64KiB"
        case .path: "an absolute path"
        case .domain: "a domain name"
        case .icmpType: "an ICMP type such as echo-request"
        case .account:
            "a user or group: a name of at most 32 letters, digits, '.', '_' and '-', or a number below 4294967295"
        case .words(let words): "one of " + words.joined(separator: ", ")
        case .free, .note: "a string"
        }
    }

    /// Whether the text is of this kind.
    func accepts(_ text: String) -> Bool {
        switch self {
        case .name: ObjectName(text) != nil
        case .address: IPAddress(text) != nil
        case .prefix: IPPrefix(text) != nil
        case .range: IPRange(text) != nil
        case .mac: MACAddress(text) != nil
        case .interface: InterfaceName(text) != nil
        case .rate: BitRate(text) != nil
        case .size: ByteSize(text) != nil
        case .path: text.hasPrefix("/") && text.utf8.count <= 4096 && !text.unicodeScalars.contains { $0.value < 0x20 }
        case .domain: Self.isDomain(text)
        case .icmpType: ObjectName(text) != nil
        case .account: Self.isAccount(text)
        case .words(let words): words.contains(text)
        case .note:
            text.utf8.count <= 1 << 18
                && !text.unicodeScalars.contains {
                    $0.value < 0x20 && !["\t", "\n", "\r"].contains($0) || $0.value == 0x7f
                }
        case .free: text.utf8.count <= 4096 && !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }
        }
    }

    /// A pattern (ECMA 262) for JSON Schema; looser than `accepts` where a pattern cannot say it all.
    var pattern: String? {
        switch self {
        case .name: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
        case .address: "^([0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$"
        case .prefix: "^([0-9]{1,3}(\\.[0-9]{1,3}){3}/[0-9]{1,2}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/[0-9]{1,3})$"
        case .range: "^[0-9A-Fa-f:.]+([-/][0-9A-Fa-f:.]+)?$"
        case .mac: "^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$|^([0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}$"
        case .interface: "^(?!\\.{1,2}$|@)[!#-$&-)+-.0-9;->?-\\[\\]-~]{1,15}$"
        case .rate: "^[0-9]+([KMGTkmgt]i?)?([Bb]it|[Bb]ps)$"
        case .size: "^[0-9]+([KMGkmg]i?)?[Bb]?$"
        case .path: "^/"
        case .domain: "^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\\.?$"
        case .icmpType: "^[a-z0-9]+(-[a-z0-9]+)*$"
        case .account: "^([A-Za-z_][A-Za-z0-9._-]{0,31}|[0-9]{1,10})$"
        case .words, .free, .note: nil
        }
    }

    /// As useradd(8) takes names, and a few more.
    private static func isAccount(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        guard let first = bytes.first, bytes.count <= 32 else { return false }
        // The last number means "nobody" to the kernel.
        if bytes.allSatisfy(isDigit) { return UInt32(text).map { $0 != .max } ?? false }
        return first != 0x2d && first != 0x2e && !isDigit(first)
            && bytes.allSatisfy {
                isDigit($0) || (0x61...0x7a).contains($0) || (0x41...0x5a).contains($0)
                    || [0x2d, 0x2e, 0x5f].contains($0)
            }
    }

    private static func isDomain(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 253 else { return false }
        let trimmed = text.hasSuffix(".") ? text.dropLast() : text[...]
        return trimmed.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            let bytes = Array(label.utf8)
            guard let first = bytes.first, let last = bytes.last, bytes.count <= 63 else { return false }
            func plain(_ byte: UInt8) -> Bool {
                (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte)
                    || byte == 0x5f
            }
            return plain(first) && plain(last) && bytes.allSatisfy { plain($0) || $0 == 0x2d }
        }
    }
}
