public import Addressing

/// What an endpoint may send and receive, seen from the endpoint.
public struct Bandwidth: Hashable, Sendable {
    /// What it may send.
    public var egress: BitRate?
    /// What it may receive.
    public var ingress: BitRate?
    /// Bytes that may pass at once, in either direction; nil for what follows from the rate.
    public var burst: ByteSize?

    /// Limits; none at all by default.
    public init(egress: BitRate? = nil, ingress: BitRate? = nil, burst: ByteSize? = nil) {
        self.egress = egress
        self.ingress = ingress
        self.burst = burst
    }

    /// The bucket for a rate, of a card with an MTU.
    ///
    /// Without a burst in the manifest it is what the rate lets through in 20 ms, and no less than 16 KiB or two frames: a
    /// larger one would let a new connection run ahead, with a smaller one a busy host would not reach the rate.
    public func bucket(_ rate: BitRate, mtu: Int) -> TokenBucket {
        let bytes = rate.bitsPerSecond / 8
        let least = UInt64(max(16 << 10, 2 * Bandwidth.frame(mtu: mtu)))
        let burst = burst?.bytes ?? UInt32(clamping: min(max(bytes / 50, least), 1 << 30))
        return TokenBucket(rate: bytes, burst: burst, limit: UInt32(clamping: UInt64(burst) + bytes / 20))
    }

    /// Bytes of the largest frame: what is larger than the bucket never passes.
    public static func frame(mtu: Int) -> Int { mtu + 18 }
}

/// A token bucket: what passes in the long run and at once (`tc-tbf(8)`).
public struct TokenBucket: Hashable, Codable, Sendable {
    /// Bytes a second (`TCA_TBF_PARMS`, `TCA_TBF_RATE64`).
    public var rate: UInt64
    /// Bytes that may pass at once (`TCA_TBF_BURST`).
    public var burst: UInt32
    /// Bytes that wait at most (`limit`); more is dropped.
    public var limit: UInt32

    /// A bucket.
    public init(rate: UInt64, burst: UInt32, limit: UInt32) {
        self.rate = rate
        self.burst = burst
        self.limit = limit
    }

    /// Whether the kernel says this of a bucket that was made as the other one. It keeps the burst as a time, in steps of
    /// 64 ns, so it comes back a little different.
    public func isReading(of other: TokenBucket) -> Bool {
        let step = other.rate / (1_000_000_000 / 64) + 1
        let (low, high) = (UInt64(min(burst, other.burst)), UInt64(max(burst, other.burst)))
        return rate == other.rate && limit == other.limit && high - low <= UInt64(other.burst) / 512 + step
    }
}

extension TokenBucket: CustomStringConvertible {
    /// `100 Mbit/s, burst 250000, limit 875000`.
    public var description: String { "\(Self.words(bitsPerSecond: rate * 8)), burst \(burst), limit \(limit)" }

    private static func words(bitsPerSecond bits: UInt64) -> String {
        let units: [(UInt64, String)] = [(1_000_000_000, "Gbit/s"), (1_000_000, "Mbit/s"), (1000, "kbit/s")]
        let unit = units.first { bits >= $0.0 && bits % $0.0 == 0 }
        return unit.map { "\(bits / $0.0) \($0.1)" } ?? "\(bits) bit/s"
    }
}
