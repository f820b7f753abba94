public import Addressing

/// A routing rule (`ip rule`).
public struct ObservedRule: Hashable, Codable, Sendable {
    /// Family.
    public var family: AddressFamily
    /// As `ip rule` writes it: `100: from 10.0.0.0/8 lookup 77`.
    public var words: String
    /// What the kernel says of it, by which it is removed and made again.
    public var body: [UInt8]

    /// A rule.
    public init(family: AddressFamily, words: String, body: [UInt8]) {
        self.family = family
        self.words = words
        self.body = body
    }
}

/// A queueing discipline that somebody made (`tc qdisc`).
public struct ObservedQdisc: Hashable, Codable, Sendable {
    /// `tcm_ifindex`.
    public var link: UInt32
    /// `tcm_parent`: 0xffffffff at the root, 0xfffffff1 for `ingress` and `clsact`, else a class.
    public var parent: UInt32
    /// `TCA_KIND`.
    public var kind: String
    /// What a plain `tbf` lets through; nil for all others.
    public var bucket: TokenBucket?
    /// `tcm_ifindex` of the device to which `ingress` redirects all that comes in; nil where it does anything else.
    public var redirect: UInt32?

    /// A queueing discipline.
    public init(
        link: UInt32, parent: UInt32, kind: String, bucket: TokenBucket? = nil, redirect: UInt32? = nil
    ) {
        self.link = link
        self.parent = parent
        self.kind = kind
        self.bucket = bucket
        self.redirect = redirect
    }

    /// Whether it lies on the link itself and not in another one, with which it goes.
    public var isOutermost: Bool { parent >= 0xffff_fff1 }
}
