public import Model
internal import NetlinkCodec
public import SystemCalls

/// All that listens to the kernel on behalf of `bulkhead watch`: sockets in the host's namespace and in those that are
/// owned or adopted, opened once, and the table of mounts, because no socket is told of a namespace that goes.
public final class ListeningPost {
    private let folders: Folders
    private let signals: SignalQueue
    private let compartments: NamespaceMemory
    private let worker: NamespaceWorker
    private let home: SharedDescriptor
    private let mounts: MountTable
    private let firewall: NetlinkSocket
    private var isFirewallOurs = false
    private var host: Ear
    private var ears: [NamespaceRef: Ear] = [:]
    private var buffer: [UInt8] = []

    /// Whoever is in a compartment decides how much is told of it; what finds no room is read anew.
    private static let room: Int32 = 256 << 10

    /// What ended a wait.
    public struct Wakening: Sendable {
        /// A signal came.
        public var order: SignalQueue.Order?
        /// The kernel has something to say.
        public var hasNotices = false
    }

    /// Listens to the namespace of the calling thread from now on. Of compartments in which something is heard, nothing is
    /// remembered any more.
    public init(_ folders: Folders, _ signals: SignalQueue, _ compartments: NamespaceMemory) throws {
        self.folders = folders
        self.signals = signals
        self.compartments = compartments
        worker = try NamespaceWorker()
        home = SharedDescriptor(try Namespaces.current())
        mounts = try MountTable()
        firewall = try NetlinkSocket(.netfilter, hearing: [FirewallNotice.group])
        let inode = try Files.status("/proc/thread-self/ns/net").inode
        host = Ear(inode: inode, socket: try NetlinkSocket(.route, hearing: ChangeNotice.groups), process: nil)
    }

    /// How many namespaces are listened to, the host's included.
    public var count: Int { ears.count + 1 }

    /// Waits for a signal, for so long at most, and for word of the kernel from everywhere but these places.
    public func wait(milliseconds: Int64, deafTo places: Set<Notices.Place>) -> Wakening {
        var wakening = Wakening()
        let sockets = Notices.Place.allCases.filter { !places.contains($0) }.flatMap(numbers)
        let found = Readiness.wait(
            reading: [signals.number] + sockets, mounts: places.contains(.host) ? nil : mounts,
            milliseconds: milliseconds)
        if found.ready.contains(signals.number) { wakening.order = signals.next() }
        wakening.hasNotices = found.mounts || found.ready.contains { $0 != signals.number }
        return wakening
    }

    private func numbers(_ place: Notices.Place) -> [Int32] {
        switch place {
        case .host: [host.socket.number] + ears.values.compactMap { $0.process?.number }
        case .firewall: [firewall.number]
        case .compartments: ears.values.map(\.socket.number)
        }
    }

    /// Takes in all that was said.
    public func hear() -> Notices {
        var notices = Notices()
        if leaveGone() { notices.places.insert(.host) }
        let ready = Set(
            Readiness.wait(reading: Notices.Place.allCases.flatMap(numbers), milliseconds: 0).ready)
        if ready.contains(host.socket.number) { host.hear(&notices, at: .host, &buffer) }
        if ready.contains(firewall.number) { Ear.hearFirewall(firewall, &isFirewallOurs, &notices, &buffer) }
        for (reference, ear) in ears where ready.contains(ear.socket.number) {
            ear.hear(&notices, at: .compartments, &buffer)
            compartments.forget([reference])
        }
        return notices
    }

    /// Lets go of namespaces that are not there any more, or in whose place another is: as long as a socket is in one, it
    /// stays, with its cards. Whether there were any.
    private func leaveGone() -> Bool {
        let gone = ears.filter { reference, ear in
            if let process = ear.process, !Readiness.wait(reading: [process.number], milliseconds: 0).ready.isEmpty {
                return true
            }
            return (try? Files.status(path(reference)).inode) != ear.inode
        }
        for reference in gone.keys { ears[reference] = nil }
        compartments.forget(Set(gone.keys))
        return !gone.isEmpty
    }

    private func path(_ reference: NamespaceRef) -> String {
        switch reference {
        case .host: "/proc/self/ns/net"
        case .named(let name): "\(folders.namespaces)/\(name)"
        case .path(let path): path
        }
    }

    /// Listens where the observation found something of ours, and nowhere else. Whether that begins anywhere: then what
    /// happened there since the observation was not heard.
    public func follow(_ observed: ObservedState) throws -> Bool {
        // Of those for whom it answers the kernel says nothing, and on their cards it learns all the time.
        host.keepers.formUnion(observed.host.neighbours.filter { !$0.isProxy }.map(\.link))
        let known = Set(observed.namespaces.map(\.reference))
        for reference in ears.keys where !known.contains(reference) { ears[reference] = nil }
        var isNew = false
        for space in observed.namespaces {
            if ears[space.reference]?.inode != space.inode {
                ears[space.reference] = nil
                compartments.forget([space.reference])
                guard let ear = try open(space) else { continue }
                ears[space.reference] = ear
                isNew = true
            }
            ears[space.reference]?.keepers.formUnion(space.neighbours.map(\.link))
        }
        return isNew
    }

    /// Nil where another namespace is there by now, or none: that is said by the table of mounts.
    private func open(_ space: ObservedNamespace) throws -> Ear? {
        let path = path(space.reference)
        guard let descriptor = (try? Namespaces.open(path)) ?? nil,
            try Files.status(of: descriptor.descriptor, path).inode == space.inode
        else { return nil }
        // A thread that stayed there would keep the namespace as a socket does.
        defer { try? worker.run(in: home.rawValue) {} }
        let socket = try worker.run(in: descriptor.rawValue) {
            try NetlinkSocket(.route, hearing: ChangeNotice.groups + ChangeNotice.ruleGroups, room: Self.room)
        }
        return Ear(inode: space.inode, socket: socket, process: Self.process(behind: path))
    }

    /// The process whose file the path is: `/proc/4711/ns/net`.
    private static func process(behind path: String) -> ProcessEnd? {
        let parts = path.split(separator: "/")
        guard parts.count > 2, parts[0] == "proc", let number = Int32(parts[1]) else { return nil }
        return try? ProcessEnd(of: number)
    }
}
