internal import Addressing
internal import Model

/// Automatic addresses by stable matching; `docs/addresses.md` says the rule, which can never change.
struct Allocation {
    /// Where addresses come from.
    private let pool: RangeSet
    /// What is never given out: the prefix's own addresses, gateways, reserved and explicit ones.
    private let taken: RangeSet
    private let network: String

    /// How many addresses can be given out.
    let free: UInt128

    /// A pool of a network's subnet.
    init(network: String, prefix: IPPrefix, pool: [IPRange], reserved: [IPRange], excluded: Set<IPAddress>) {
        self.network = network
        self.pool = RangeSet(pool.isEmpty ? [prefix.range] : pool)
        let unusable = [prefix.address, prefix.last].filter { !prefix.isUsable($0) }
        let single = (excluded.filter { $0.family == prefix.family } + unusable).compactMap { IPRange($0, $0) }
        taken = RangeSet(reserved + single)
        free = self.pool.count(without: taken)
    }

    /// The address of each endpoint; none where there are more endpoints than free addresses.
    func assign(_ endpoints: [String]) -> [String: IPAddress] {
        guard UInt128(endpoints.count) <= free else { return [:] }
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
        let size = pool.count
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
            if let address = pool[index], !taken.contains(address) { return address }
        }
        return nil
    }
}
