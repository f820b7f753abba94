/// Builds one netlink message; lengths and padding are filled in here and nowhere else.
public struct MessageWriter: Sendable {
    /// The bytes so far.
    public private(set) var bytes: [UInt8] = []

    /// A message without its header.
    public init() {}

    /// A message that came from the kernel and goes back as it is.
    public init(raw bytes: [UInt8]) { self.bytes = bytes }

    /// Appends a number of a fixed structure in host order.
    public mutating func number<Number: FixedWidthInteger>(_ value: Number) {
        // No number of netlink is wider. Arithmetic on a type that is not known takes a call each.
        var rest = UInt64(truncatingIfNeeded: value)
        for _ in 0..<(Number.bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    /// Appends an attribute of raw bytes.
    public mutating func attribute(_ type: UInt16, _ payload: some Collection<UInt8>) {
        number(UInt16(truncatingIfNeeded: payload.count + 4))
        number(type)
        bytes.append(contentsOf: payload)
        pad()
    }

    /// Appends an attribute of one number.
    public mutating func attribute<Number: FixedWidthInteger>(_ type: UInt16, number value: Number) {
        number(UInt16(4 + Number.bitWidth / 8))
        number(type)
        number(value)
        pad()
    }

    /// Appends an attribute of NUL-terminated text.
    public mutating func attribute(_ type: UInt16, text: String) { attribute(type, KernelText.bytes(text) + [0]) }

    /// Appends an attribute that holds others; `NLA_F_NESTED` is set as strict kernels want it.
    public mutating func nest(_ type: UInt16, _ body: (inout MessageWriter) -> Void) {
        let start = bytes.count
        number(UInt16(0))
        number(type | 0x8000)
        body(&self)
        let length = UInt16(truncatingIfNeeded: bytes.count - start)
        bytes[start] = UInt8(truncatingIfNeeded: length)
        bytes[start + 1] = UInt8(truncatingIfNeeded: length >> 8)
        pad()
    }

    private mutating func pad() {
        while bytes.count & 3 != 0 { bytes.append(0) }
    }
}
