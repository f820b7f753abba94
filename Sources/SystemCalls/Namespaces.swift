internal import CLinuxShims
internal import Glibc

/// Network namespaces and the files they are bound to.
public enum Namespaces {
    /// `NSFS_MAGIC` (`linux/magic.h`).
    private static let magic = 0x6e73_6673

    /// The namespace of the calling thread.
    public static func current() throws(SystemError) -> FileDescriptor {
        try FileDescriptor.reading("/proc/thread-self/ns/net")
    }

    /// The network namespace that is bound to the path; nil where something else lies there.
    ///
    /// Never waits: a pipe put into its place is opened without blocking.
    public static func open(_ path: String) throws(SystemError) -> SharedDescriptor? {
        let file = try FileDescriptor.open(path, flags: O_RDONLY | O_NONBLOCK)
        guard isNetworkNamespace(file) else { return nil }
        return SharedDescriptor(file)
    }

    /// Whether the open file is a network namespace.
    static func isNetworkNamespace(_ file: borrowing FileDescriptor) -> Bool {
        bulkhead_file_system_magic(file.rawValue) == magic
            && bulkhead_namespace_type(file.rawValue) == bulkhead_clone_newnet
    }

    /// Puts the calling thread into a namespace. Only for threads that end or go back themselves.
    static func enter(_ number: Int32) throws(SystemError) {
        _ = try valueOrError("setns", "") { bulkhead_setns(number, bulkhead_clone_newnet) }
    }

    /// A new namespace, held by the descriptor alone. The calling thread must be a worker's.
    static func create() throws(SystemError) -> FileDescriptor {
        _ = try valueOrError("unshare", "network namespace") { bulkhead_unshare(bulkhead_clone_newnet) }
        return try current()
    }

    /// Binds a namespace to a file that exists (`mount --bind`).
    public static func bind(_ namespace: borrowing FileDescriptor, to path: String) throws(SystemError) {
        let number = namespace.rawValue
        _ = try valueOrError("bind namespace to", path) {
            unsafe mount("/proc/self/fd/\(number)", path, "none", UInt(MS_BIND), nil)
        }
    }

    /// Unbinds a namespace (`umount -l`); nothing bound is no error.
    public static func unbind(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            _ = try valueOrError("unbind", path) { unsafe umount2(path, Int32(MNT_DETACH) | 8 /* UMOUNT_NOFOLLOW */) }
        } catch {
            guard error.code == .invalid || error.code == .noEntry else { throw error }
        }
    }

    /// Makes a folder a shared mount, as `ip netns` does, so that namespaces bound in it are seen by other mount
    /// namespaces that were made from this one.
    public static func prepare(folder: String) throws(SystemError) {
        try Files.makeDirectories(folder)
        if mountShared(folder) == nil { return }
        _ = try valueOrError("bind", folder) {
            unsafe mount(folder, folder, "none", UInt(MS_BIND | MS_REC), nil)
        }
        if let code = mountShared(folder) { throw SystemError("make shared", folder, code) }
    }

    private static func mountShared(_ folder: String) -> Errno? {
        unsafe mount("", folder, "none", UInt(MS_SHARED | MS_REC), nil) == 0 ? nil : .current
    }
}
