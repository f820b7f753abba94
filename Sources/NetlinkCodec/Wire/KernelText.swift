/// Names as the kernel has them: bytes, whatever they mean.
///
/// Whoever may configure interfaces in a compartment may give one a name that is no UTF-8. It must be possible to speak of
/// it all the same, at least to delete it. Where bytes are no text, those outside ASCII stand for themselves as code points
/// from U+10FF80 on, which nobody uses.
enum KernelText {
    private static let stand: UInt32 = 0x10_ff00
    private static let range: ClosedRange<UInt32> = 0x10_ff80...0x10_ffff

    static func text(_ bytes: ArraySlice<UInt8>) -> String {
        if let text = String(validating: bytes, as: UTF8.self), !text.unicodeScalars.contains(where: isStand) {
            return text
        }
        var scalars = String.UnicodeScalarView()
        for byte in bytes {
            guard let scalar = Unicode.Scalar(byte < 0x80 ? UInt32(byte) : stand + UInt32(byte)) else { continue }
            scalars.append(scalar)
        }
        return String(scalars)
    }

    static func bytes(_ text: String) -> [UInt8] {
        guard text.unicodeScalars.contains(where: isStand) else { return Array(text.utf8) }
        return text.unicodeScalars.flatMap { scalar in
            isStand(scalar) ? [UInt8(truncatingIfNeeded: scalar.value)] : Array(String(scalar).utf8)
        }
    }

    private static func isStand(_ scalar: Unicode.Scalar) -> Bool { range.contains(scalar.value) }
}
