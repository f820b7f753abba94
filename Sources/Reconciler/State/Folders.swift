/// Where bulkhead looks and writes beside the kernel.
public struct Folders: Hashable, Sendable {
    /// Named network namespaces, `/run/netns` (`ip-netns(8)`).
    public var namespaces: String
    /// Files for processes in namespaces, `/etc/netns` (`ip-netns(8)`).
    public var namespaceFiles: String
    /// Lock and original settings, `/var/lib/bulkhead`.
    public var state: String
    /// Sockets of FRR's daemons (`--vty_socket` of `vtysh(1)`), `/run/frr`.
    public var routing: String
    /// Files that FRR starts from (`--config_dir`), `/etc/frr`.
    public var routingFiles: String

    /// Folders; the defaults are those of `cli.md`.
    public init(
        namespaces: String = "/run/netns", namespaceFiles: String = "/etc/netns", state: String = "/var/lib/bulkhead",
        routing: String = "/run/frr", routingFiles: String = "/etc/frr"
    ) {
        self.namespaces = namespaces
        self.namespaceFiles = namespaceFiles
        self.state = state
        self.routing = routing
        self.routingFiles = routingFiles
    }
}
