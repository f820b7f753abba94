/// Attributes of a `tbf` queueing discipline (`struct tc_tbf_qopt`, `TCA_TBF_*`, `linux/pkt_sched.h`).
public struct TokenBucketData: Hashable, Sendable {
    /// Bytes a second.
    public var rate: UInt64
    /// Bytes of the bucket. The kernel keeps them as a time (`buffer`, in ticks of 64 ns), so what is read may be a few
    /// bytes off.
    public var burst: UInt32
    /// Bytes that wait at most.
    public var limit: UInt32

    private enum Number {
        static let parameters: UInt16 = 1
        static let rate64: UInt16 = 4
        static let burst: UInt16 = 6
    }

    /// A bucket.
    public init(rate: UInt64, burst: UInt32, limit: UInt32) {
        self.rate = rate
        self.burst = burst
        self.limit = limit
    }

    /// Nil where it has a peak rate, or counts bytes otherwise than Ethernet does, which bulkhead never asks for.
    init?(decoding attributes: AttributeReader) throws(WireError) {
        var attributes = attributes
        var wide: UInt64?
        var parameters: (rate: UInt32, peak: UInt32, limit: UInt32, buffer: UInt32, isPlain: Bool)?
        while let attribute = try attributes.next() {
            switch attribute.type {
            case Number.parameters: parameters = try Self.parameters(attribute.payload)
            case Number.rate64: wide = try attribute.uint64("TCA_TBF_RATE64")
            case _: break
            }
        }
        guard let parameters, parameters.peak == 0, parameters.isPlain else { return nil }
        rate = wide ?? UInt64(parameters.rate)
        limit = parameters.limit
        let (product, overflow) = (UInt64(parameters.buffer) * 64).multipliedReportingOverflow(by: rate)
        burst = overflow ? .max : UInt32(clamping: product / 1_000_000_000)
    }

    private static func parameters(_ bytes: ArraySlice<UInt8>) throws(WireError) -> (
        rate: UInt32, peak: UInt32, limit: UInt32, buffer: UInt32, isPlain: Bool
    ) {
        var reader = StructReader(bytes, "tc_tbf_qopt")
        let (rate, isPlain) = try Self.rate(&reader)
        let (peak, _) = try Self.rate(&reader)
        let limit = try reader.number(UInt32.self)
        let buffer = try reader.number(UInt32.self)
        return (rate, peak, limit, buffer, isPlain)
    }

    /// `struct tc_ratespec`.
    private static func rate(_ reader: inout StructReader) throws(WireError) -> (rate: UInt32, isPlain: Bool) {
        _ = try reader.number(UInt8.self)
        let linkLayer = try reader.number(UInt8.self)
        let overhead = try reader.number(UInt16.self)
        _ = try reader.number(UInt16.self)
        let least = try reader.number(UInt16.self)
        return (try reader.number(UInt32.self), linkLayer & 15 <= ethernet && overhead == 0 && least == 0)
    }

    func write(to writer: inout MessageWriter) {
        var parameters = MessageWriter()
        for rate in [UInt32(clamping: rate), 0] {
            // cell_log, linklayer, overhead, cell_align, mpu, rate. With a link layer the kernel needs no table of times.
            parameters.number(UInt8(0))
            parameters.number(Self.ethernet)
            parameters.number(UInt16(0))
            parameters.number(UInt16(0))
            parameters.number(UInt16(0))
            parameters.number(rate)
        }
        parameters.number(limit)
        // buffer and mtu, in whose place TCA_TBF_BURST stands.
        parameters.number(UInt32(0))
        parameters.number(UInt32(0))
        writer.attribute(Number.parameters, parameters.bytes)
        if rate >= 1 << 32 { writer.attribute(Number.rate64, number: rate) }
        writer.attribute(Number.burst, number: burst)
    }

    /// `TC_LINKLAYER_ETHERNET`.
    private static let ethernet: UInt8 = 1
}
