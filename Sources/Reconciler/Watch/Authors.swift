internal import Model
internal import NetlinkCodec
internal import SystemCalls

/// Who made changes that the kernel told of, for messages. What it tells is the port of the sender, which for the first
/// socket of a process is the number of the process; most programs have no other.
struct Authors {
    /// `nft (pid 4711)`, each once, in the order in which they were seen.
    private(set) var names: [String] = []
    private var ports: Set<UInt32> = []

    /// So many are told apart; more is a crowd.
    private static let limit = 8
    /// Processes have lower numbers (`PID_MAX_LIMIT`); ports from there on were chosen by the kernel.
    private static let largestProcess: UInt32 = 4 << 20

    /// The sender of a change that was heard in the namespace of that inode. The kernel itself has no port, and what this
    /// process does is known.
    mutating func add(port: UInt32, in namespace: UInt64) {
        guard port != 0, port != UInt32(bitPattern: Host.processID), port < Self.largestProcess,
            names.count < Self.limit,
            ports.insert(port).inserted
        else { return }
        guard let name = try? Files.readText("/proc/\(port)/comm", limit: 64) else {
            return add("pid \(port), which has ended")
        }
        guard isIn(namespace, port) else { return }
        add("\(String(name.prefix { $0 != "\n" }).terminalSafe) (pid \(port))")
    }

    /// A process in another namespace may have the same number and no part in it, and one in a container may have another
    /// number here. Without `CAP_SYS_PTRACE` that is not told of all; most of those are the host's.
    private func isIn(_ namespace: UInt64, _ process: UInt32) -> Bool {
        let host = try? Files.status("/proc/thread-self/ns/net").inode
        return ((try? Files.status("/proc/\(process)/ns/net").inode) ?? host) == namespace
    }

    /// Who asked for a transaction of nftables. That is a thread, and those of this process end with each look: one of the
    /// same name that has ended was most likely one of them.
    mutating func add(_ author: FirewallNotice.Author) {
        guard names.count < Self.limit, !isOwn(author) else { return }
        add("\(author.name.terminalSafe) (pid \(author.thread))")
    }

    private func isOwn(_ author: FirewallNotice.Author) -> Bool {
        let hasEnded = (try? Files.status("/proc/\(author.thread)")) == nil
        let name = (try? Files.readText("/proc/self/comm", limit: 64)) ?? ""
        return hasEnded && name.prefix { $0 != "\n" } == author.name
            || (try? Files.status("/proc/self/task/\(author.thread)")) != nil
    }

    /// Others, who were seen later.
    mutating func add(_ others: Authors) {
        for name in others.names where names.count < Self.limit { add(name) }
    }

    private mutating func add(_ name: String) {
        if !names.contains(name) { names.append(name) }
    }
}
