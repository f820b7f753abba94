internal import Addressing

/// Addresses of one family as ranges that are sorted, apart from one another and numbered from 0 on.
struct RangeSet {
    private let ranges: [IPRange]
    /// The number of each range's first address.
    private let starts: [UInt128]
    /// How many addresses there are, 2^64 at most: more are not told apart by the hash.
    let count: UInt128

    static let limit = UInt128(1) << 64

    /// The union of the ranges.
    init(_ all: [IPRange]) {
        var merged: [IPRange] = []
        for range in all.sorted() {
            if let last = merged.last, range.first <= last.last {
                merged[merged.count - 1] = IPRange(last.first, max(last.last, range.last)) ?? last
            } else {
                merged.append(range)
            }
        }
        var starts: [UInt128] = []
        var sum: UInt128 = 0
        for range in merged {
            starts.append(sum)
            // All of IPv6 would overflow.
            let (total, overflow) = sum.addingReportingOverflow(range.last.value - range.first.value)
            sum = overflow || total >= Self.limit ? Self.limit : total + 1
        }
        ranges = merged
        self.starts = starts
        count = sum
    }

    /// The address of a number below `count`.
    subscript(index: UInt128) -> IPAddress? {
        let place = starts.partitioned { $0 <= index } - 1
        guard place >= 0, index < count else { return nil }
        let first = ranges[place].first
        return IPAddress(family: first.family, value: first.value + (index - starts[place]))
    }

    /// Whether the address is one of them.
    func contains(_ address: IPAddress) -> Bool {
        let place = ranges.partitioned { $0.first <= address } - 1
        return place >= 0 && ranges[place].contains(address)
    }

    /// How many addresses are here and not there; 2^64 at most.
    func count(without other: RangeSet) -> UInt128 {
        var shared: UInt128 = 0
        var place = 0
        for range in ranges {
            while place < other.ranges.count, other.ranges[place].last < range.first { place += 1 }
            var next = place
            while next < other.ranges.count, other.ranges[next].first <= range.last {
                let low = max(other.ranges[next].first.value, range.first.value)
                let high = min(other.ranges[next].last.value, range.last.value)
                shared = high - low >= Self.limit ? Self.limit : min(shared + (high - low) + 1, Self.limit)
                next += 1
            }
        }
        return count - min(shared, count)
    }
}

extension Array {
    /// How many elements at the front fulfil what no later one does.
    fileprivate func partitioned(_ isBefore: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
