public import Firewall
public import Model
internal import NetlinkClient
internal import NetlinkCodec
internal import SystemCalls

/// A network namespace that is held open: its descriptor, and the socket that was opened in it.
struct OpenNamespace: Sendable {
    let descriptor: SharedDescriptor
    /// Inode of the namespace; with one kernel, equal inodes are the same namespace.
    let inode: UInt64
    /// `NETNSA_NSID` that the host gave it.
    var id: Int32?
    /// Opened on the first need, in the namespace; it stays there.
    var socket: NetlinkSocket?
}

/// Everything that is open while one command runs: the host's sockets, the threads that visit namespaces, and the
/// namespaces themselves. Sockets are opened once and serve reading, writing and reading again.
public final class HostSession {
    let folders: Folders
    let connection: NetlinkConnection
    let workers: [NamespaceWorker]
    /// A socket of the host for each worker, by which it asks for ids of namespaces.
    let workerSockets: [NetlinkSocket]
    let hostNamespace: SharedDescriptor
    let hostInode: UInt64
    private(set) var spaces: [NamespaceRef: OpenNamespace] = [:]
    /// Namespaces unbound in this run, held so that they can be bound again; they end with the session.
    private(set) var released: [NamespaceRef: OpenNamespace] = [:]

    private let library: Nftables
    private let netfilter: NetlinkSocket
    private let memory: FirewallMemory
    private let compartments: NamespaceMemory?
    /// Whether compartments were read in this session.
    private var haveBeenRead = false
    let buffer = ReceiveBuffer()
    private(set) var ahead: FirewallAhead?
    /// Who listens to what changes, where somebody does.
    private(set) var vigil: Vigil?
    private var lookout: Lookout?
    private var fresh: SharedDescriptor?

    /// Opens the host's sockets in the calling thread's network namespace. What a session before it read of nftables there
    /// holds as long as nobody changes it, and of compartments as long as who has that memory says so; it serves the first
    /// reading alone, because the next one tells what an apply did.
    public init(
        _ folders: Folders, memory: FirewallMemory = FirewallMemory(), compartments: NamespaceMemory? = nil
    ) throws {
        self.folders = folders
        self.memory = memory
        self.compartments = compartments
        Host.raiseFileLimit()
        library = try Library.open()
        connection = try NetlinkConnection(buffer: buffer)
        netfilter = try NetlinkSocket(.netfilter)
        // One thread a core reads namespaces; more would only wait for the kernel's locks.
        // One does, where memory is short.
        let first = try NamespaceWorker()
        workers = [first] + (1..<max(1, min(Host.processorCount, 8))).compactMap { _ in try? NamespaceWorker() }
        workerSockets = try workers.map { _ in try NetlinkSocket(.route) }
        let current = try Namespaces.current()
        hostInode = try Files.status(of: current, "own network namespace").inode
        hostNamespace = SharedDescriptor(current)
    }

    /// Begins to read the scope's tables, before it is known what the manifests say, where there are many namespaces: among
    /// few it is quick, and there is no empty one to read from.
    public func readAhead(_ scope: ObjectName) {
        guard ahead == nil, let names = try? Files.list(folders.namespaces), names.count >= Lookout.minimum,
            let space = try? workers[0].createNamespace(), let socket = try? NetlinkSocket(.netfilter)
        else { return }
        fresh = space
        ahead = try? FirewallAhead(
            FirewallReading(library: library, socket: socket, memory: memory), of: scope, in: space)
    }

    /// Begins to listen to what changes, so that not all has to be read again behind a small change; where there are many
    /// namespaces, for among few that is quick. To be called before anything is read.
    public func beginVigil() {
        guard vigil == nil, let names = try? Files.list(folders.namespaces), names.count >= Lookout.minimum else {
            return
        }
        vigil = Vigil()
    }

    /// Ends it. Of every word the kernel must find out which id the host gave the namespace that it comes from, which takes
    /// the longer the more there are: too long for what is said of a large change.
    func endVigil() { vigil = nil }

    /// The lookout for that many namespaces; nil where there are few, or there is none to be had.
    func lookout(namespaces count: Int) -> Lookout? {
        guard count >= Lookout.minimum else { return nil }
        if lookout == nil { lookout = Lookout(self) }
        return lookout
    }

    /// Links of the host, where nobody wants to know in which namespace their other ends are: that is what the kernel takes
    /// long to find out where it is not asked from the lookout.
    func plainLinks() throws -> [LinkMessage] { try lookout?.plainLinks() ?? connection.links(counters: false) }

    /// An empty network namespace that only its descriptor holds, and in which nothing was counted yet.
    func freshNamespace() throws -> SharedDescriptor {
        defer { fresh = nil }
        return try fresh ?? workers[0].createNamespace()
    }

    /// What is known of compartments without reading them.
    func recall() -> [NamespaceRef: NamespaceMemory.Reading] {
        defer { haveBeenRead = true }
        return haveBeenRead ? [:] : compartments?.recall() ?? [:]
    }

    /// Keeps what was read of a compartment for the sessions after this one.
    func keep(_ namespace: ObservedNamespace, asked paths: [SettingPath]?) {
        compartments?.keep(namespace, asked: paths)
    }

    /// libnftables; it keeps its own socket.
    func firewall() throws -> Nftables { library }

    /// Reading of tables.
    var firewallReading: FirewallReading { FirewallReading(library: library, socket: netfilter, memory: memory) }

    /// The number of the last change of nftables; nil where the kernel does not say it.
    func firewallGeneration() -> UInt32? { try? NetlinkConnection(netfilter, buffer: buffer).firewallGeneration() }

    /// The tables of a scope, as they are now.
    func rules(of scope: ObjectName) throws -> Ruleset { try firewallReading.rules(of: scope, buffer: buffer) }

    /// The file or path that a reference is bound to.
    func path(_ reference: NamespaceRef) -> String {
        switch reference {
        case .host: "/proc/self/ns/net"
        case .named(let name): "\(folders.namespaces)/\(name)"
        case .path(let path): path
        }
    }

    /// The namespace behind a reference, opened where it is not open yet or another one was bound since; nil where
    /// none is bound there.
    func open(_ reference: NamespaceRef) throws -> OpenNamespace? {
        guard var space = try openAlone(reference) else { return nil }
        // The kernel gives an id to a namespace that has none when a link is made into it.
        if space.id == nil {
            space.id = try connection.namespaceID(descriptor: space.descriptor.rawValue)
            spaces[reference] = space
        }
        return space
    }

    /// The same without asking for its id, which takes the kernel the longer the more namespaces have one: it goes
    /// through them one by one.
    func openAlone(_ reference: NamespaceRef) throws -> OpenNamespace? {
        let path = path(reference)
        let inode: UInt64
        do throws(SystemError) {
            inode = try Files.status(path).inode
        } catch {
            spaces[reference] = nil
            if error.code == .noEntry || error.code == .notDirectory { return nil }
            throw error
        }
        if let known = spaces[reference], known.inode == inode { return known }
        spaces[reference] = nil
        guard let descriptor = try Namespaces.open(path) else { return nil }
        let found = OpenNamespace(
            descriptor: descriptor, inode: try Files.status(of: descriptor.descriptor, path).inode)
        spaces[reference] = found
        return found
    }

    /// Namespaces in the netns folder to which the host gave one of these ids, by path.
    public func paths(ofNamespaces ids: Set<Int32>) throws -> [String] {
        try Files.list(folders.namespaces).sorted().filter { name in
            // What cannot be opened is nobody's business.
            guard let space = (try? openAlone(.named(name))) ?? nil else { return false }
            return try connection.namespaceID(descriptor: space.descriptor.rawValue).map(ids.contains) ?? false
        }.map { path(.named($0)) }
    }

    /// Does a piece of the planner's work on a worker, which has nothing else to do while a plan is made.
    public func aside(_ piece: @escaping @Sendable () -> Ruleset) -> () -> Ruleset {
        let work = NamespaceWorker.start([workers[0]], count: 1, tools: { _ in () }) { _, _, _ in piece() }
        return { (try? work.wait().first?.get()) ?? piece() }
    }

    /// The descriptor of a namespace; nil where none is bound there.
    func descriptor(_ reference: NamespaceRef) throws -> SharedDescriptor? {
        reference == .host ? hostNamespace : try open(reference)?.descriptor
    }

    /// Takes in a namespace that was just made.
    func adopt(_ space: OpenNamespace, as reference: NamespaceRef) { spaces[reference] = space }

    /// Lets go of a name, but not yet of the namespace.
    func release(_ reference: NamespaceRef) {
        if let space = spaces.removeValue(forKey: reference) { released[reference] = space }
    }

    /// The netlink socket inside a namespace.
    func connection(in reference: NamespaceRef) throws -> NetlinkConnection {
        if reference == .host { return connection }
        guard var space = try open(reference) else {
            throw SystemError("open namespace", path(reference), .noEntry)
        }
        if let socket = space.socket { return NetlinkConnection(socket, buffer: buffer) }
        let socket = try workers[0].run(in: space.descriptor.rawValue) { try NetlinkSocket(.route) }
        space.socket = socket
        spaces[reference] = space
        return NetlinkConnection(socket, buffer: buffer)
    }
}
