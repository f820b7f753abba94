internal import Firewall
internal import SystemCalls

/// libnftables.
enum Library {
    /// Opens it. Where the socket that it wants cannot be had, it does not say so but ends the process, with a status of
    /// its own (`netlink_init_error`): that there is room is asked before.
    static func open() throws -> Nftables {
        try Host.requireFiles(Self.files)
        return try Nftables()
    }

    /// Its socket, and the files of names that it reads on its way.
    private static let files = 4
}
