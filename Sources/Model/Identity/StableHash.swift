/// The hash behind derived names, MAC addresses, namespace ids and automatic addresses.
///
/// It is 64-bit FNV-1a over the bytes, finished by the 64-bit finaliser of MurmurHash3, and can never change: the same
/// manifests must give the same network on every version. Test vectors are in `docs/addresses.md`.
public enum StableHash {
    /// Hash of one text.
    public static func hash(_ text: String) -> UInt64 { finish(update(offset, text)) }

    /// Hash of several texts, a zero byte between them, so that `("a", "bc")` and `("ab", "c")` differ.
    public static func hash(_ first: String, _ second: String, _ third: String = "") -> UInt64 {
        finish(update(separate(update(separate(update(offset, first)), second)), third))
    }

    /// Start of a hash whose beginning is shared by many: `finish(update(update(offset, a), b))`.
    public static let offset: UInt64 = 0xcbf2_9ce4_8422_2325

    /// Takes in the bytes of a text.
    public static func update(_ state: UInt64, _ text: String) -> UInt64 {
        var state = state
        for byte in text.utf8 { state = step(state, byte) }
        return state
    }

    /// Takes in one zero byte.
    public static func separate(_ state: UInt64) -> UInt64 { step(state, 0) }

    /// Takes in one byte.
    public static func step(_ state: UInt64, _ byte: UInt8) -> UInt64 { (state ^ UInt64(byte)) &* 0x100_0000_01b3 }

    /// Mixes the state so that every bit depends on every byte.
    public static func finish(_ state: UInt64) -> UInt64 {
        var mixed = state
        mixed = (mixed ^ (mixed >> 33)) &* 0xff51_afd7_ed55_8ccd
        mixed = (mixed ^ (mixed >> 33)) &* 0xc4ce_b9fe_1a85_ec53
        return mixed ^ (mixed >> 33)
    }

    /// `count` characters of lower-case base32 (`a-z`, `2-7`) from the upper bits of a hash; at most 12.
    public static func base32(_ hash: UInt64, count: Int) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
        let bytes = (0..<min(max(count, 0), 12)).map { alphabet[Int(hash >> UInt64(59 - 5 * $0) & 31)] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
