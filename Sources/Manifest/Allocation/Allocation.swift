internal import Addressing
internal import Model

/// Automatic addresses by stable matching; `docs/addresses.md` says the rule, which can never change.
struct Allocation {
    /// Where addresses come from, in order.
    private let ranges: [IPRange]
    /// How many addresses that are, 2^64 at most.
    private let size: UInt128
    private let network: String
    private let prefix: IPPrefix
    /// Addresses that are never given out: gateways, reserved ones, explicit ones.
    private let excluded: Set<IPAddress>
    private let reserved: [IPRange]

    /// A pool of a network's subnet.
    init(network: String, prefix: IPPrefix, pool: [IPRange], reserved: [IPRange], excluded: Set<IPAddress>) {
        self.network = network
        self.prefix = prefix
        self.excluded = excluded
        self.reserved = reserved
        ranges = Self.merged(pool.isEmpty ? [prefix.range] : pool)
        // A pool that holds all of IPv6 would overflow; more than 2^64 addresses are not told apart by the hash.
        let sum = ranges.reduce(UInt128(0)) { sum, range in
            let (total, overflow) = sum.addingReportingOverflow(range.last.value - range.first.value)
            return overflow || total > UInt128(1) << 64 ? UInt128(1) << 64 : total + 1
        }
        size = min(sum, UInt128(1) << 64)
    }

    /// Overlapping pool entries count once.
    private static func merged(_ ranges: [IPRange]) -> [IPRange] {
        var result: [IPRange] = []
        for range in ranges.sorted() {
            if let last = result.last, range.first <= last.last {
                result[result.count - 1] = IPRange(last.first, max(last.last, range.last)) ?? last
            } else {
                result.append(range)
            }
        }
        return result
    }

    /// The address of each endpoint; endpoints for which none is left are missing.
    func assign(_ endpoints: [String]) -> [String: IPAddress] {
        var holders: [IPAddress: Claim] = [:]
        var waiting = endpoints.sorted().map { Claim(endpoint: $0, state: start($0)) }
        while var claim = waiting.popLast() {
            guard let address = next(&claim) else { continue }
            claim.strength = strength(claim.endpoint, address)
            guard let holder = holders[address] else {
                holders[address] = claim
                continue
            }
            // The lowest hash keeps the address; names decide the tie that will never come.
            if (claim.strength, claim.endpoint) < (holder.strength, holder.endpoint) {
                holders[address] = claim
                waiting.append(holder)
            } else {
                waiting.append(claim)
            }
        }
        var result: [String: IPAddress] = [:]
        for (address, claim) in holders { result[claim.endpoint] = address }
        return result
    }

    private struct Claim {
        var endpoint: String
        /// Hash state of network and endpoint.
        var state: UInt64
        /// Number of the next preference.
        var attempt: UInt64 = 0
        var strength: UInt64 = 0
    }

    private func start(_ endpoint: String) -> UInt64 {
        let state = StableHash.separate(StableHash.update(StableHash.offset, network))
        return StableHash.separate(StableHash.update(state, endpoint))
    }

    private func strength(_ endpoint: String, _ address: IPAddress) -> UInt64 {
        StableHash.hash(network, endpoint, address.description)
    }

    /// The endpoint's next preference that may be given out: by hash of the attempt's number, and past 16 times the
    /// pool's size, when a small pool is all but full, one after the other.
    private func next(_ claim: inout Claim) -> IPAddress? {
        let hashed = size > 1 << 20 ? UInt128(1) << 24 : size * 16 + 64
        while UInt128(claim.attempt) < hashed + min(size, 1 << 20) {
            let attempt = UInt128(claim.attempt)
            let index: UInt128
            if attempt < hashed {
                index = UInt128(StableHash.finish(StableHash.update(claim.state, String(claim.attempt)))) % size
            } else {
                index = (UInt128(StableHash.finish(claim.state)) + attempt - hashed) % size
            }
            claim.attempt += 1
            if let address = address(at: index), isFree(address) { return address }
        }
        return nil
    }

    private func address(at index: UInt128) -> IPAddress? {
        var rest = index
        for range in ranges {
            let last = range.last.value - range.first.value
            if rest <= last { return IPAddress(family: prefix.family, value: range.first.value + rest) }
            rest -= last + 1
        }
        return nil
    }

    private func isFree(_ address: IPAddress) -> Bool {
        prefix.isUsable(address) && !excluded.contains(address) && !reserved.contains { $0.contains(address) }
    }
}
