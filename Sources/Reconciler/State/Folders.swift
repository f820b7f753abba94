/// Where bulkhead looks and writes beside the kernel.
public struct Folders: Hashable, Sendable {
    /// Named network namespaces, `/run/netns` (`ip-netns(8)`).
    public var namespaces: String
    /// Files for processes in namespaces, `/etc/netns` (`ip-netns(8)`).
    public var namespaceFiles: String
    /// Lock and original settings, `/var/lib/bulkhead`.
    public var state: String

    /// Folders; the defaults are those of `cli.md`.
    public init(
        namespaces: String = "/run/netns", namespaceFiles: String = "/etc/netns", state: String = "/var/lib/bulkhead"
    ) {
        self.namespaces = namespaces
        self.namespaceFiles = namespaceFiles
        self.state = state
    }
}
