internal import CLinuxShims
internal import Glibc

/// A thread whose open files are its own.
///
/// For a library that ends the process where it gets no descriptor: whatever else this process opens at the same time
/// takes none of its. Nothing that holds a descriptor may be handed in or out, because numbers mean other files there.
/// Where it ends the process all the same (`exit(3)`), that is an abort: its status would say what is not so.
public final class SecludedThread: Sendable {
    private let worker: NamespaceWorker

    /// Starts the thread with the three standard files open; `EMFILE` unless that many more can be.
    public init(files: Int) throws {
        worker = try NamespaceWorker()
        try worker.visit {
            _ = try valueOrError("part", "open files") { bulkhead_part_files(3) }
            try Host.requireFiles(files)
            bulkhead_abort_on_exit()
        }
    }

    /// Runs the closure there, in the network namespace that the calling thread is in, and waits for it.
    public func run(_ body: () -> Void) throws {
        let caller = "/proc/self/task/\(bulkhead_gettid())/ns/net"
        try worker.visit {
            try Self.follow(caller)
            body()
        }
    }

    /// Entering takes a right, even where the thread is there already.
    private static func follow(_ caller: String) throws(SystemError) {
        guard try Files.status(caller).inode != Files.status("/proc/thread-self/ns/net").inode else { return }
        let namespace = try FileDescriptor.reading(caller)
        try Namespaces.enter(namespace.rawValue)
    }
}
