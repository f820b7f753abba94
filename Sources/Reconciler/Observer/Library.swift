internal import Firewall
internal import SystemCalls

/// libnftables.
enum Library {
    /// Opens it, on a thread with open files of its own.
    ///
    /// Where a socket that it wants cannot be had, it does not say so but ends the process, with a status of its own
    /// (`netlink_init_error`), and it wants another one for each call that speaks of interfaces. It also waits by
    /// select(2), which aborts the process where the descriptor is 1024 or higher.
    static func open() throws -> Nftables {
        let thread = try SecludedThread(files: Self.files)
        try findSocket(thread)
        let library = try Nftables { try thread.run($0) }
        // One transaction is one message.
        try thread.run { NetlinkSocket.enlargeNftables(descriptors: 64) }
        return library
    }

    /// A kernel without nftables has no such socket.
    private static func findSocket(_ thread: SecludedThread) throws {
        var refusal: SystemError?
        try thread.run { do throws(SystemError) { _ = try NetlinkSocket(.netfilter) } catch { refusal = error } }
        guard let refusal else { return }
        guard refusal.code == .protocolNotSupported else { throw refusal }
        throw StateError(
            "open nftables: this kernel has none (no netlink socket of netfilter): load its modules (`modprobe nf_tables`), or boot "
                + "one with CONFIG_NF_TABLES")
    }

    /// Its sockets, the files of names that it reads on its way, and the namespace that the thread goes into.
    private static let files = 4
}
