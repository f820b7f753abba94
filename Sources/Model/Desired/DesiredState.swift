/// What the manifests say about one host, with every default filled in and every reference resolved.
///
/// All lists are sorted by name; two states from the same manifests are equal whatever the order of the documents.
public struct DesiredState: Hashable, Sendable {
    /// Whose objects these are.
    public var scope: ObjectName
    /// The host whose share this is.
    public var host: String
    /// The virtual switches that exist on this host.
    public var networks: [Network]
    /// The isolated stacks of this host.
    public var compartments: [Compartment]
    /// The network cards of this host.
    public var endpoints: [Endpoint]
    /// Policies that select an endpoint of this host, in the order in which they are asked: by priority, then name.
    public var policies: [Policy]
    /// Endpoints of other Hosts on overlays that exist on this one.
    public var remotes: [RemoteEndpoint]
    /// Policies that select one of `remotes`, in order; other Hosts enforce them.
    public var remotePolicies: [Policy]
    /// How its overlays learn from other hosts; nil where the manifests say all, or there is no overlay.
    public var evpn: EVPN?
    /// Changes with any change of the manifests that matters to this host; hexadecimal.
    public var fingerprint: String

    /// A desired state.
    public init(
        scope: ObjectName, host: String, networks: [Network] = [], compartments: [Compartment] = [],
        endpoints: [Endpoint] = [], policies: [Policy] = [], remotes: [RemoteEndpoint] = [],
        remotePolicies: [Policy] = [], evpn: EVPN? = nil, fingerprint: String = ""
    ) {
        self.scope = scope
        self.host = host
        self.networks = networks
        self.compartments = compartments
        self.endpoints = endpoints
        self.policies = policies
        self.remotes = remotes
        self.remotePolicies = remotePolicies
        self.evpn = evpn
        self.fingerprint = fingerprint
    }
}

/// What every manifest object has.
public struct ObjectMetadata: Hashable, Sendable {
    /// The name, unique per kind.
    public var name: ObjectName
    /// Labels by key, in byte order of the keys.
    public var labels: [Label]
    /// `bulkhead.dev/prevent-destroy: "true"`.
    public var preventDestroy: Bool
    /// Where the document stands.
    public var source: SourceLocation

    /// Metadata.
    public init(name: ObjectName, labels: [Label] = [], preventDestroy: Bool = false, source: SourceLocation) {
        self.name = name
        self.labels = labels
        self.preventDestroy = preventDestroy
        self.source = source
    }
}

/// One label of an object.
public struct Label: Hashable, Sendable {
    /// Kubernetes label key.
    public var key: String
    /// Kubernetes label value.
    public var value: String
    /// A label.
    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}
