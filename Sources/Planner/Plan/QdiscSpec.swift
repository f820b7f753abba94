public import Model

/// A queueing discipline that bulkhead puts on a link.
public enum QdiscSpec: Hashable, Codable, Sendable {
    /// At the root: `tc qdisc replace dev LINK root tbf …`.
    case bucket(TokenBucket)
    /// All that comes in goes through the queueing discipline of another link first, and then on as if nothing had been:
    /// `tc qdisc add dev LINK ingress`, `tc filter add dev LINK parent ffff: … mirred egress redirect dev TO`.
    case redirect(to: LinkReference)

    /// `tcm_parent`.
    var parent: UInt32 {
        switch self {
        case .bucket: 0xffff_ffff
        case .redirect: 0xffff_fff1
        }
    }

    /// `TCA_KIND`.
    var kind: String {
        switch self {
        case .bucket: "tbf"
        case .redirect: "ingress"
        }
    }

    /// What it does.
    var words: String {
        switch self {
        case .bucket(let bucket): "\(bucket)"
        case .redirect(let link): "through \(link)"
        }
    }
}
