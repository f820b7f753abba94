internal import Firewall
internal import Model
internal import NetlinkClient
internal import Planner
internal import SystemCalls

/// Reads the firewall, and the compartments that are ours or wanted, on all cores.
struct NamespaceReading {
    /// A namespace that may be one of them.
    struct Candidate: Sendable {
        let reference: NamespaceRef
        let space: OpenNamespace
        /// Settings to read; nil where no manifest speaks of it.
        let paths: [SettingPath]?
    }

    /// What a worker reads at a time.
    enum Piece: Sendable {
        case firewall(Ruleset, [OtherScope])
        /// With what was read of it, where it is ours or wanted, and the id that the host has in it.
        case namespace(OpenNamespace, ObservedNamespace?, hostID: Int32?)
    }

    /// What a worker has for all that it reads.
    struct Tools {
        let host: NetlinkConnection
        /// Where the id that compartments have for the host is asked for.
        let hostNamespace: Int32?
        /// The host's, for links that stand there.
        let own: Int32
        let buffer: ReceiveBuffer
        let settings = SettingsTree()
    }

    private let session: HostSession
    private let desired: DesiredState
    private let features: KernelFeatures
    private let adopted: [String]
    private let counters: Bool

    init(
        _ session: HostSession, _ desired: DesiredState, _ features: KernelFeatures, adopted: [String], counters: Bool
    ) {
        self.session = session
        self.desired = desired
        self.features = features
        self.adopted = adopted
        self.counters = counters
    }

    /// Begins with what is in the netns folder, and what the manifests name elsewhere, but for what still holds.
    ///
    /// The firewall is read from the lookout, where there is one: for a rule that speaks of an interface by index
    /// libnftables reads all links of the thread's namespace, each with the id of its other end. It prints numbers then,
    /// as our own rules have them.
    func start(
        _ spaces: [String: OpenNamespace], beside remainder: Remainder, lookout: SharedDescriptor?
    ) throws -> Started {
        var unopened: [UnopenedNamespace] = []
        let all = try candidates(spaces, &unopened)
        let kept = all.compactMap { remainder.namespace($0.reference, inode: $0.space.inode) }
        let held = Set(kept.map(\.reference))
        let candidates = all.filter { !held.contains($0.reference) }
        let (firewall, ahead) = (session.firewallReading, session.ahead)
        let (sockets, desired, scope, counters) = (session.workerSockets, desired, desired.scope, counters)
        // The lookout's count tells the ids that cables tell where there is none.
        let hostNamespace = lookout == nil ? session.hostNamespace.rawValue : nil
        let own = session.hostNamespace.rawValue
        let known = counters ? [:] : session.recall()
        // The firewall first: of all pieces it takes longest.
        let work = NamespaceWorker.start(session.workers, count: candidates.count + 1) { number -> Tools in
            let buffer = ReceiveBuffer()
            let host = NetlinkConnection(sockets[number], buffer: buffer)
            return Tools(host: host, hostNamespace: hostNamespace, own: own, buffer: buffer)
        } _: { position, tools, entrance -> Piece in
            if position == 0 {
                // The worker may be in a compartment still, whose interfaces have other indexes.
                try entrance.enter(lookout?.rawValue ?? own)
                ahead?.wait()
                let (rules, others) = try firewall.read(desired, withCounters: counters, buffer: tools.buffer)
                return .firewall(rules, others)
            }
            let candidate = candidates[position - 1]
            if let reading = known[candidate.reference], reading.paths == candidate.paths,
                reading.namespace.inode == candidate.space.inode
            {
                var space = candidate.space
                space.id = space.id ?? reading.namespace.namespaceID
                return .namespace(space, reading.namespace, hostID: nil)
            }
            return try Self.read(candidate, tools, entrance, scope: scope, counters: counters)
        }
        return Started(session: session, candidates: candidates, unopened: unopened, kept: kept, work: work)
    }

    private func candidates(
        _ spaces: [String: OpenNamespace], _ unopened: inout [UnopenedNamespace]
    ) throws -> [Candidate] {
        // Most compartments have the same.
        var parted: [[String]: [SettingPath]] = [:]
        var last: (texts: [String], paths: [SettingPath])?
        var reads: [NamespaceRef: [SettingPath]] = [:]
        for read in Reads.settings(desired, ipv6: features.ipv6) where reads[read.namespace] == nil {
            if last?.texts != read.paths {
                let paths = parted[read.paths] ?? read.paths.map { SettingPath($0) }
                parted[read.paths] = paths
                last = (read.paths, paths)
            }
            reads[read.namespace] = last?.paths
        }
        for path in adopted where reads[.path(path)] == nil { reads[.path(path)] = [] }
        var candidates: [Candidate] = []
        for (name, space) in spaces {
            let reference = NamespaceRef.named(name)
            candidates.append(Candidate(reference: reference, space: space, paths: reads[reference]))
        }
        for (reference, paths) in reads {
            guard case .path(let path) = reference else { continue }
            switch openAdopted(reference, path) {
            case .open(let space): candidates.append(Candidate(reference: reference, space: space, paths: paths))
            case .absent: continue
            case .other(let reason): unopened.append(UnopenedNamespace(reference: reference, reason: reason))
            }
        }
        unopened.sort { $0.reference < $1.reference }
        return candidates.sorted { $0.reference < $1.reference }
    }

    /// What is at the path of an adopted namespace.
    private enum Adopted {
        case open(OpenNamespace)
        case absent
        /// Something that cannot be read, and why.
        case other(String)
    }

    /// Who has a compartment that cannot be read may go on with all others.
    private func openAdopted(_ reference: NamespaceRef, _ path: String) -> Adopted {
        do {
            if let space = try session.openAlone(reference) { return .open(space) }
        } catch let error as SystemError where error.code == .access && path.hasPrefix("/proc/") {
            return .other(
                "cannot be opened: \(error); for the namespace of another's process it takes CAP_SYS_PTRACE (`systemctl edit` "
                    + "adds it to a unit), or a name that is bound to it (`ip netns attach NAME PID`)")
        } catch {
            return .other("cannot be opened: \(error)\(Remedy.of(error))")
        }
        guard (try? Files.status(path)) != nil else { return .absent }
        return .other("is no network namespace; `spec.namespace.path` must name one (`ip netns`)")
    }

    private static func read(
        _ candidate: Candidate, _ tools: Tools, _ entrance: NamespaceWorker.Entrance, scope: ObjectName,
        counters: Bool
    ) throws -> Piece {
        var space = candidate.space
        if candidate.paths == nil {
            // Nobody's business unless a manifest names it.
            guard let id = try? space.id ?? tools.host.namespaceID(descriptor: space.descriptor.rawValue) else {
                return .namespace(space, nil, hostID: nil)
            }
            space.id = id
            guard isOurs(candidate.reference, id, scope) else { return .namespace(space, nil, hostID: nil) }
        }
        try entrance.enter(space.descriptor.rawValue)
        let socket = try space.socket ?? NetlinkSocket(.route)
        space.socket = socket
        // Whoever is in there may change it without end: that is no reason to leave all others alone.
        let connection = NetlinkConnection(socket, buffer: tools.buffer, keepsUnsteady: true)
        let tables = try NamespaceTables.read(connection, counters: counters, rules: true)
        let settings = try Settings.read(candidate.paths ?? [], tools.settings)
        var hostID: Int32?
        if space.id == nil, let host = tools.hostNamespace { hostID = try connection.namespaceID(descriptor: host) }
        var observed = tables.namespace(
            candidate.reference, inode: space.inode, id: space.id,
            hostID: try tables.hostID(connection, host: tools.own), settings: settings)
        observed.isUnsteady = connection.isUnsteady
        return .namespace(space, observed, hostID: hostID)
    }

    private static func isOurs(_ reference: NamespaceRef, _ id: Int32, _ scope: ObjectName) -> Bool {
        guard case .named(let name) = reference else { return false }
        return OwnershipMark.owner(ofNamespace: name, id: id, scope: scope) != nil
    }

    /// Reading under way.
    struct Started {
        fileprivate let session: HostSession
        fileprivate let candidates: [Candidate]
        /// What could not be read.
        let unopened: [UnopenedNamespace]
        /// What was read before and still holds.
        fileprivate let kept: [ObservedNamespace]
        fileprivate let work: NamespaceWorker.Started<Piece>

        /// Waits for all of it; to be called once, and never left out. Ids are those that are known by name, or what the
        /// host's links say.
        func wait(ids: [String: Int32], hostLinks: [ObservedLink]) throws -> (
            firewall: Ruleset, otherScopes: [OtherScope], namespaces: [ObservedNamespace]
        ) {
            let cables = Cables(hostLinks)
            var (firewall, otherScopes) = (Ruleset(), [OtherScope]())
            var namespaces: [ObservedNamespace] = []
            for (position, result) in work.wait().enumerated() {
                do {
                    switch try result.get() {
                    case .firewall(let ruleset, let others): (firewall, otherScopes) = (ruleset, others)
                    case .namespace(var space, var observed, let hostID):
                        if observed != nil, space.id == nil {
                            space.id =
                                try id(candidates[position - 1].reference, ids)
                                ?? cables.namespaceID(links: observed?.links ?? [], hostID: hostID)
                                ?? session.connection.namespaceID(descriptor: space.descriptor.rawValue)
                            observed?.namespaceID = space.id
                        }
                        session.adopt(space, as: candidates[position - 1].reference)
                        guard let observed else { continue }
                        namespaces.append(observed)
                        session.keep(observed, asked: candidates[position - 1].paths)
                    }
                } catch {
                    if position == 0 { throw error }
                    let reference = candidates[position - 1].reference
                    throw StateError("read namespace \(reference): \(error)\(Remedy.of(error))")
                }
            }
            if !kept.isEmpty { namespaces = (namespaces + kept).sorted { $0.reference < $1.reference } }
            return (firewall, otherScopes, namespaces)
        }

        private func id(_ reference: NamespaceRef, _ ids: [String: Int32]) -> Int32? {
            switch reference {
            case .named(let name): ids[name]
            case .host, .path: nil
            }
        }
    }
}
