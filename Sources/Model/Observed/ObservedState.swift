public import Addressing

/// What the kernel and the files that bulkhead writes say about one host.
public struct ObservedState: Hashable, Codable, Sendable {
    /// The host's own namespace.
    public var host: ObservedNamespace
    /// Namespaces that are owned, or that the manifests name, by reference.
    public var namespaces: [ObservedNamespace]
    /// The routing rules that the kernel gives every new namespace.
    public var initialRules: [ObservedRule] = []
    /// Every namespace id that the host has given out (`RTM_GETNSID` dump), sorted; a new mark must be none of them.
    public var usedNamespaceIDs: [Int32]
    /// Files in the netns folder that are no namespaces, by name, with what they say (an aborted creation leaves one).
    public var emptyNamespaceFiles: [NamespaceFile]
    /// The files of owned compartments, and those in the way of wanted ones; by path.
    public var files: [ObservedFile]
    /// What shared host settings were before bulkhead changed them; by path.
    public var originals: [OriginalSetting]
    /// Sockets that listen on the host; read only where ports are published.
    public var listeners: [Listener]
    /// What other scopes on this host have.
    public var otherScopes: [OtherScope] = []
    /// What settings are in a namespace that is made now, by path; only those that a compartment was given and is given no
    /// more.
    public var freshSettings: [String: String] = [:]
    /// Users and groups that the manifests name; nil where nobody asked for any.
    public var accounts: Accounts?
    /// What FRR has of bulkhead; nil where nobody asked, or nothing of it is wanted or there.
    public var routing: ObservedRouting?
    /// Adopted namespaces that something is at the path of, and that could not be read; nil where there are none.
    public var unopened: [UnopenedNamespace]?
    /// What this kernel can do.
    public var features: KernelFeatures

    /// An observed state.
    public init(
        host: ObservedNamespace, namespaces: [ObservedNamespace] = [], usedNamespaceIDs: [Int32] = [],
        emptyNamespaceFiles: [NamespaceFile] = [],
        files: [ObservedFile] = [], originals: [OriginalSetting] = [], listeners: [Listener] = [],
        features: KernelFeatures = KernelFeatures()
    ) {
        self.host = host
        self.namespaces = namespaces
        self.usedNamespaceIDs = usedNamespaceIDs
        self.emptyNamespaceFiles = emptyNamespaceFiles
        self.files = files
        self.originals = originals
        self.listeners = listeners
        self.features = features
    }

    /// Whether nobody looked: uplinks and bridges of others are taken as there.
    public var isAssumed = false

    /// A host with nothing on it, for plans in review.
    public static let empty: ObservedState = {
        var state = ObservedState(host: ObservedNamespace(reference: .host))
        state.isAssumed = true
        return state
    }()
}

/// A file in the netns folder that is no namespace.
public struct NamespaceFile: Hashable, Codable, Sendable {
    /// Its name.
    public var name: String
    /// The mark inside, where bulkhead made it and died before binding a namespace to it.
    public var mark: OwnershipMark?

    /// A file.
    public init(name: String, mark: OwnershipMark?) {
        self.name = name
        self.mark = mark
    }
}

/// A file below the netns-etc folder.
public struct ObservedFile: Hashable, Codable, Sendable {
    /// Absolute path.
    public var path: String
    /// What it says; nil where it is no text: no regular file, no UTF-8, or larger than anything of ours.
    public var content: String?
    /// Whether it is a regular file whose contents nobody can put back.
    public var isOpaque: Bool

    /// A file.
    public init(path: String, content: String?, isOpaque: Bool = false) {
        self.path = path
        self.content = content
        self.isOpaque = isOpaque
    }

    /// The mark in its first line. Processes in a compartment write its files: beside an owned namespace this proves
    /// nothing.
    public var mark: OwnershipMark? {
        guard let first = content?.split(separator: "\n", maxSplits: 1).first, first.hasPrefix("# ") else { return nil }
        return OwnershipMark(first.dropFirst(2))
    }
}

/// What a shared host setting was before bulkhead changed it.
public struct OriginalSetting: Hashable, Codable, Sendable {
    /// Path below `/proc/sys`.
    public var path: String
    /// The value then.
    public var value: String

    /// A setting.
    public init(path: String, value: String) {
        self.path = path
        self.value = value
    }
}

/// A socket that listens, or a UDP socket that is bound.
public struct Listener: Hashable, Codable, Sendable {
    /// The protocol.
    public var transport: PortProtocol
    /// Local address; unspecified for all, `::` for IPv4 too unless it is `isIPv6Only`.
    public var address: IPAddress
    /// Whether IPv4 passes it by (`IPV6_V6ONLY`); nil for false.
    public var isIPv6Only: Bool?
    /// Local port.
    public var port: UInt16
    /// `NAME (pid N)`, where it could be found.
    public var process: String?

    /// A listener.
    public init(transport: PortProtocol, address: IPAddress, port: UInt16, process: String? = nil) {
        self.transport = transport
        self.address = address
        self.port = port
        self.process = process
    }
}

/// What the kernel can do, asked of the kernel.
public struct KernelFeatures: Hashable, Codable, Sendable {
    /// `br_netfilter` is there: bridged frames reach the inet hooks.
    public var bridgeNetfilter: Bool
    /// `net.ipv6.conf.*.force_forwarding` (Linux 6.17).
    public var forceForwarding: Bool
    /// IPv6 is compiled in and not switched off.
    public var ipv6: Bool
    /// Taps can be made; nil where nobody asked, because none is wanted.
    public var taps: Bool?
    /// VLANs can be made (802.1Q); nil where nobody asked, because none is wanted.
    public var vlans: Bool?
    /// The same of macvlans.
    public var macvlans: Bool?
    /// The same of macvtaps.
    public var macvtaps: Bool?

    /// Features; the defaults are those of a current kernel.
    public init(bridgeNetfilter: Bool = true, forceForwarding: Bool = true, ipv6: Bool = true) {
        self.bridgeNetfilter = bridgeNetfilter
        self.forceForwarding = forceForwarding
        self.ipv6 = ipv6
    }
}
