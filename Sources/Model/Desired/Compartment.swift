public import Addressing

/// An isolated network stack: a named network namespace.
public struct Compartment: Hashable, Sendable {
    /// Which namespace it is.
    public enum Namespace: Hashable, Sendable {
        /// A file of this name in the netns folder; made, owned and deleted by bulkhead.
        case owned(name: String)
        /// Somebody else's, by path; never deleted.
        case adopted(path: String)
    }

    /// Name, labels, place (of an endpoint where no document declares the compartment).
    public var metadata: ObjectMetadata
    /// The namespace.
    public var namespace: Namespace
    /// Kernel settings below `net`, sorted by key.
    public var sysctls: [SysctlSetting]
    /// Name servers and search domains; nil where neither compartment nor networks give any.
    public var dns: DNSSettings?
    /// Lines of `/etc/hosts` beside those of localhost, each with its newline: endpoints on shared networks, then
    /// `hostAliases`. Text, because compartments of one network share it: a thousand of them hold it once.
    public var hostsText: String
    /// The network whose router is in it; nil for compartments, which manifests declare.
    public var router: ObjectName?

    /// A compartment.
    public init(
        metadata: ObjectMetadata, namespace: Namespace, sysctls: [SysctlSetting] = [], dns: DNSSettings? = nil,
        hostsText: String = "", router: ObjectName? = nil
    ) {
        self.metadata = metadata
        self.namespace = namespace
        self.sysctls = sysctls
        self.dns = dns
        self.hostsText = hostsText
        self.router = router
    }

    /// `Compartment/NAME`; a router's is its network's.
    public var id: ObjectID { router.map { ObjectID(.network, $0) } ?? ObjectID(.compartment, metadata.name) }
    /// Its namespace as kernel objects name it.
    public var reference: NamespaceRef {
        switch namespace {
        case .owned(let name): .named(name)
        case .adopted(let path): .path(path)
        }
    }
}

/// One kernel setting of a compartment.
public struct SysctlSetting: Hashable, Comparable, Sendable {
    /// Path below `/proc/sys`, always `net/…`, without empty, `.` or `..` parts.
    public var path: String
    /// What is written.
    public var value: String
    /// Where it stands in the manifest.
    public var source: SourceLocation

    /// A setting.
    public init(path: String, value: String, source: SourceLocation) {
        self.path = path
        self.value = value
        self.source = source
    }

    /// By path.
    public static func < (left: Self, right: Self) -> Bool { left.path < right.path }
}

/// Contents of a `resolv.conf(5)`.
public struct DNSSettings: Hashable, Sendable {
    /// `nameserver` lines, in order.
    public var servers: [IPAddress]
    /// `search` domains, in order.
    public var search: [String]
    /// `options`, in order.
    public var options: [String]

    /// Settings.
    public init(servers: [IPAddress] = [], search: [String] = [], options: [String] = []) {
        self.servers = servers
        self.search = search
        self.options = options
    }

    /// Nothing to write.
    public var isEmpty: Bool { servers.isEmpty && search.isEmpty && options.isEmpty }
}

/// One line of `/etc/hosts`.
public struct HostsEntry: Hashable, Sendable {
    /// The address.
    public var address: IPAddress
    /// Names for it, in order.
    public var names: [String]

    /// A line.
    public init(address: IPAddress, names: [String]) {
        self.address = address
        self.names = names
    }

    /// As `hosts(5)` has it, with its newline.
    public var text: String { "\(address) \(names.joined(separator: " "))\n" }
}
