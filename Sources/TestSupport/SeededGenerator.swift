/// SplitMix64: the same seed gives the same numbers on every machine and every run.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// A generator that starts at the seed.
    public init(seed: UInt64) { state = seed }

    /// A generator for one thing among many of a seed, independent of how many numbers the others took.
    public init(seed: UInt64, _ parts: UInt64...) {
        var mixed = SeededGenerator(seed: seed)
        var value = mixed.next()
        for part in parts {
            mixed = SeededGenerator(seed: value ^ part)
            value = mixed.next()
        }
        state = value
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// True in `percent` of a hundred cases.
    public mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    /// One of the values.
    public mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &self)]
    }

    /// Some of the values, at least one, in their order.
    public mutating func some<Value>(_ values: [Value]) -> [Value] {
        let chosen = values.filter { _ in chance(50) }
        return chosen.isEmpty ? [pick(values)] : chosen
    }
}
