/// How a network is joined to a physical one.
public enum Attachment: Hashable, Sendable {
    /// Its ports are put on a bridge that somebody else owns (`bridge: {existing}`).
    case existingBridge
    /// Its own bridge has the uplink as a port.
    case uplinkPort(Uplink)
}

/// A physical interface of the host, as manifests name it.
public struct Uplink: Hashable, Sendable {
    /// How it is found.
    public var selector: UplinkSelector
    /// Where it stands in the manifest.
    public var source: SourceLocation

    /// An uplink.
    public init(selector: UplinkSelector, source: SourceLocation) {
        self.selector = selector
        self.source = source
    }
}

extension Network {
    /// Whether the bridge is bulkhead's: made, changed and deleted by it.
    public var ownsBridge: Bool {
        switch attachment {
        case nil, .uplinkPort: true
        case .existingBridge: false
        }
    }

    /// Whether others than endpoints and the host are on the segment, so that not every frame is of an endpoint.
    public var isShared: Bool { attachment != nil }
}

extension Attachment {
    /// What it says, without places.
    public var words: String {
        switch self {
        case .existingBridge: "bridge: existing"
        case .uplinkPort(let uplink): "bridge: \(uplink.selector)"
        }
    }
}
