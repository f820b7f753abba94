internal import CLinuxShims
internal import Glibc

/// Where the files of `/proc/sys` are looked up when many namespaces are visited. Used by one thread at a time.
///
/// The kernel keeps `net/ipv4` of all namespaces that were ever looked at under one name in one folder, and goes through
/// them one by one, with a lock for each, whenever one is looked up: among a thousand namespaces that is most of the cost
/// of reading settings. A procfs of our own, mounted nowhere, begins empty; so every few namespaces a new one is taken.
/// It shows what `/proc` shows, and goes with its last descriptor. Where it cannot be had (in a user namespace, before
/// Linux 5.8) `/proc` itself serves.
public final class SettingsTree {
    private var root: SharedDescriptor?
    private var visits = 0

    /// Visits for which `/proc` is good enough.
    private static let minimum = 32
    /// Visits of one tree.
    private static let renewal = 32

    /// A tree that was not used yet.
    public init() {}

    /// The folder `sys` for the next visit, or nil for `/proc/sys`.
    func nextVisit() -> SharedDescriptor? {
        if visits >= Self.minimum, visits % Self.renewal == 0 { root = Self.make() }
        visits += 1
        return root
    }

    private static func make() -> SharedDescriptor? {
        let number = bulkhead_own_proc()
        guard number >= 0 else { return nil }
        let proc = FileDescriptor(owning: number)
        guard let folder = try? FileDescriptor.open("sys", in: proc.rawValue, flags: O_RDONLY | O_DIRECTORY) else {
            return nil
        }
        return SharedDescriptor(folder)
    }
}
