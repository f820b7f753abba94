internal import Addressing
public import Firewall
public import Model
internal import NetlinkClient
internal import NetlinkCodec
internal import Planner
internal import SystemCalls

/// What was read of the host at one time.
public struct Observation: Sendable {
    /// Kernel state and files.
    public var state: ObservedState
    /// The scope's firewall tables.
    public var firewall: Ruleset
}

/// Reads live state: everything of the host's own namespace, and of those namespaces that are owned or wanted.
public struct Observer {
    private let session: HostSession
    private let desired: DesiredState
    private let counters: Bool
    private let allListeners: Bool

    /// An observer for what the manifests speak of; an empty desired state reads what the scope owns. Sockets that
    /// listen are read where the manifests publish ports, or all.
    public init(_ session: HostSession, desired: DesiredState, counters: Bool = false, allListeners: Bool = false) {
        self.session = session
        self.desired = desired
        self.counters = counters
        self.allListeners = allListeners
    }

    /// Reads once; nothing is kept but open sockets.
    public func observe() throws -> Observation {
        let (library, table, counters) = (try session.firewall(), Compiler.tableName(desired.scope), counters)
        // While the host's own tables are read on this core, the firewall is on another.
        let firewall = session.workers[0].start { try library.list(table, withCounters: counters) }
        let host = Result { try observeHost() }
        let ruleset = Result { try firewall.wait() }
        var (state, spaces) = try host.get()
        state.namespaces = try readNamespaces(spaces, state.features)
        state.files = try readFiles(state.namespaces)
        state.listeners = try Listeners.read(on: publishedPorts())
        return Observation(state: state, firewall: try ruleset.get())
    }

    /// Everything but compartments.
    private func observeHost() throws -> (ObservedState, [String: OpenNamespace]) {
        var tables = try NamespaceTables.read(session.connection, counters: counters, rules: false)
        tables.links.sort { $0.index < $1.index }
        let settings = try Settings.read(["net/ipv6/conf/all/forwarding"])
        let host = tables.namespace(.host, inode: session.hostInode, id: nil, settings: settings)
        var state = ObservedState(host: host, features: Self.features())
        state.initialRules = AddressFamily.allCases.flatMap(RuleMessage.initial).map { ObservedRule($0) }
        let folder = try readFolder()
        state.emptyNamespaceFiles = folder.files
        state.usedNamespaceIDs = try session.connection.namespaceIDs().sorted()
        state.originals = try OriginalsFile(session.folders).read()
        return (state, folder.spaces)
    }

    /// Asked of the kernel by looking for the settings that come with them.
    private static func features() -> KernelFeatures {
        func exists(_ path: String) -> Bool { (try? Files.status("/proc/sys/net/\(path)")) != nil }
        return KernelFeatures(
            bridgeNetfilter: exists("bridge"), forceForwarding: exists("ipv6/conf/all/force_forwarding"),
            ipv6: exists("ipv6/conf/all"))
    }

    /// Namespaces and other files in the netns folder.
    private func readFolder() throws -> (spaces: [String: OpenNamespace], files: [NamespaceFile]) {
        var spaces: [String: OpenNamespace] = [:]
        var files: [NamespaceFile] = []
        let wanted = Set(desired.compartments.map(\.reference))
        for name in try Files.list(session.folders.namespaces) {
            // A foreign namespace that cannot be opened is nobody's business unless a manifest names it.
            do {
                if let space = try session.open(.named(name)) {
                    spaces[name] = space
                    continue
                }
            } catch {
                if wanted.contains(.named(name)) { throw error }
                continue
            }
            let found = try Files.readBeneath(session.folders.namespaces, name, limit: 4096)
            guard case .file(let bytes) = found else {
                files.append(NamespaceFile(name: name, mark: nil))
                continue
            }
            let text = String(decoding: bytes, as: UTF8.self)
            files.append(NamespaceFile(name: name, mark: OwnershipMark(text.prefix { $0 != "\n" })))
        }
        return (spaces, files)
    }

    /// Reads those that are ours or wanted, on all cores.
    private func readNamespaces(_ spaces: [String: OpenNamespace], _ features: KernelFeatures) throws
        -> [ObservedNamespace]
    {
        let reads = Dictionary(
            Reads.settings(desired, ipv6: features.ipv6).map { ($0.namespace, $0.paths) },
            uniquingKeysWith: { first, _ in first })
        var chosen: [(reference: NamespaceRef, space: OpenNamespace, paths: [String])] = []
        for (name, space) in spaces {
            let reference = NamespaceRef.named(name)
            let isOurs = space.id.map { OwnershipMark.owner(ofNamespace: name, id: $0, scope: desired.scope) != nil }
            guard isOurs ?? false || reads[reference] != nil else { continue }
            chosen.append((reference, space, reads[reference] ?? []))
        }
        for (reference, paths) in reads {
            guard case .path(let path) = reference, let space = try openAdopted(reference, path) else { continue }
            chosen.append((reference, space, paths))
        }
        chosen.sort { $0.reference < $1.reference }
        return try readTogether(chosen)
    }

    private func openAdopted(_ reference: NamespaceRef, _ path: String) throws -> OpenNamespace? {
        if let space = try session.open(reference) { return space }
        guard (try? Files.status(path)) != nil else { return nil }
        throw StateError(
            "\(path.terminalSafe) is no network namespace; `spec.namespace.path` must name one (`ip netns`)")
    }

    private func readTogether(_ chosen: [(reference: NamespaceRef, space: OpenNamespace, paths: [String])]) throws
        -> [ObservedNamespace]
    {
        let counters = counters
        let plans = chosen
        let results = NamespaceWorker.concurrently(
            session.workers, namespaces: chosen.map { $0.space.descriptor.rawValue }
        ) { index -> (NetlinkSocket, ObservedNamespace) in
            let (reference, space, paths) = plans[index]
            let socket = try space.socket ?? NetlinkSocket(.route)
            let tables = try NamespaceTables.read(NetlinkConnection(socket), counters: counters, rules: true)
            let settings = try Settings.read(paths)
            return (socket, tables.namespace(reference, inode: space.inode, id: space.id, settings: settings))
        }
        return try zip(chosen, results).map { item, result in
            do {
                let (socket, space) = try result.get()
                var open = item.space
                open.socket = socket
                session.adopt(open, as: item.reference)
                return space
            } catch {
                throw StateError("read namespace \(item.reference): \(error)\(Remedy.of(error))")
            }
        }
    }

    /// Files of compartments that exist or are wanted, and of those that are gone.
    private func readFiles(_ namespaces: [ObservedNamespace]) throws -> [ObservedFile] {
        let folder = session.folders.namespaceFiles
        var result: [ObservedFile] = []
        for name in try Files.list(folder) {
            for file in ["hosts", "resolv.conf"] {
                switch try Files.readBeneath(folder, "\(name)/\(file)", limit: 64 << 20) {
                case .missing: continue
                case .other: result.append(ObservedFile(path: "\(folder)/\(name)/\(file)", content: nil))
                case .file(let bytes):
                    let text = String(decoding: bytes, as: UTF8.self)
                    result.append(ObservedFile(path: "\(folder)/\(name)/\(file)", content: text))
                }
            }
        }
        return result
    }

    private func publishedPorts() -> Set<UInt16> {
        if allListeners { return Set(1...UInt16.max) }
        var ports: Set<UInt16> = []
        for mapping in desired.endpoints.flatMap(\.portMappings) {
            for port in mapping.hostPorts.first...mapping.hostPorts.last { ports.insert(port) }
        }
        return ports
    }
}
