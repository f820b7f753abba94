internal import Addressing
public import Firewall
public import Model
internal import NetlinkClient
internal import NetlinkCodec
public import Planner
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
    private let adopted: [String]
    private let counters: Bool
    private let allListeners: Bool

    /// An observer for what the manifests speak of; an empty desired state reads what the scope owns. Sockets that
    /// listen are read where the manifests publish ports, or all. Namespaces at the paths of `adopted` are read, too.
    public init(
        _ session: HostSession, desired: DesiredState, adopted: [String] = [], counters: Bool = false,
        allListeners: Bool = false
    ) {
        self.session = session
        self.desired = desired.withRouters
        self.adopted = adopted
        self.counters = counters
        self.allListeners = allListeners
    }

    /// Reads once; nothing is kept but open sockets.
    public func observe() throws -> Observation { try observe(beside: Remainder()) }

    /// Reads again behind a plan: what it may have changed, and what the kernel said to have changed since `last` was
    /// read (`Remainder`). All of it where nobody listened since.
    public func observe(since last: ObservedState, behind plan: Plan) throws -> Observation {
        guard let vigil = session.vigil else { return try observe() }
        return try observe(beside: Remainder(of: last, Reach(plan), vigil))
    }

    private func observe(beside remainder: Remainder) throws -> Observation {
        let features = Self.features()
        var folder = try readFolder()
        let lookout = session.lookout(namespaces: folder.spaces.count)
        // To tell whether a namespace of which no manifest speaks is ours takes its id; the others are counted meanwhile.
        var numbering: Lookout.Numbering?
        if let lookout, strangers(folder.spaces) >= Lookout.minimum {
            numbering = lookout.count(session, folder.spaces)
            for (name, id) in numbering?.ids ?? [:] { folder.spaces[name]?.id = id }
        }
        let readings = try NamespaceReading(session, desired, features, adopted: adopted, counters: counters)
            .start(folder.spaces, beside: remainder, lookout: lookout?.namespace)
        // While the workers read firewall and compartments, the host's own tables are read here, and files.
        if let lookout, numbering == nil { numbering = lookout.count(session, folder.spaces) }
        let links = numbering.flatMap { numbers in lookout?.links(numbers, counters: counters) }
        let host = Result { try observeHost(features, links) }
        let files = Result { try CompartmentFileReading(session.folders, beside: remainder).all() }
        let (firewall, otherScopes, namespaces) = try readings.wait(
            ids: numbering?.ids ?? [:], hostLinks: (try? host.get())?.host.links ?? [])
        var state = try host.get()
        state.otherScopes = otherScopes
        state.emptyNamespaceFiles = folder.files
        state.namespaces = namespaces
        state.unopened = readings.unopened.isEmpty ? nil : readings.unopened
        state.files = try files.get()
        state.listeners = try Listeners.read(on: publishedPorts())
        state.accounts = try Accounts(of: desired)
        if desired.networks.contains(where: { $0.vlan != nil }) {
            // Once there is one, nobody need ask.
            let isThere = state.host.links.contains { $0.kind == "vlan" }
            state.features.vlans = try isThere || KernelSurvey.hasLinks(of: "vlan")
        }
        if desired.networks.contains(where: \.isMacvlan) {
            let isThere = state.namespaces.contains { $0.links.contains { $0.macvlan != nil } }
            state.features.macvlans = try isThere || KernelSurvey.hasLinks(of: "macvlan")
        }
        if desired.endpoints.contains(where: \.isMacvtap) {
            let isThere = state.host.links.contains { $0.kind == "macvtap" }
            state.features.macvtaps = try isThere || KernelSurvey.hasLinks(of: "macvtap")
        }
        if desired.endpoints.contains(where: \.isTap) { state.features.taps = TapDevice.isSupported() }
        state.routing = try RoutingReading(session.folders).read(isWanted: desired.evpn != nil)
        try readForgotten(&state)
        return Observation(state: state, firewall: firewall)
    }

    /// Reads settings that a compartment was given, and is given no more, as marks note it: hardly ever any.
    func readForgotten(_ state: inout ObservedState) throws {
        let reads = Reads.forgotten(desired, files: state.files, below: session.folders.namespaceFiles)
        for read in reads.namespaces {
            guard let index = state.namespaces.firstIndex(where: { $0.reference == read.namespace }),
                let space = try session.open(read.namespace)
            else { continue }
            let settings = try session.workers[0].run(in: space.descriptor.rawValue) {
                try Settings.read(read.paths.map { SettingPath($0) })
            }
            state.namespaces[index].settings.merge(settings) { _, new in new }
        }
        guard !reads.fresh.isEmpty else { return }
        let fresh = try session.workers[0].createNamespace()
        state.freshSettings = try session.workers[0].run(in: fresh.rawValue) {
            try Settings.read(reads.fresh.map { SettingPath($0) })
        }
    }

    /// How many of these no manifest speaks of.
    private func strangers(_ spaces: [String: OpenNamespace]) -> Int {
        let wanted = Set(desired.compartments.map(\.reference))
        return spaces.keys.count { !wanted.contains(.named($0)) }
    }

    /// Everything but compartments.
    private func observeHost(_ features: KernelFeatures, _ links: [LinkMessage]?) throws -> ObservedState {
        var tables = try NamespaceTables.read(
            session.connection, counters: counters, rules: false, links: links,
            mayMove: { Reads.mayMove(desired, $0) })
        tables.links.sort { $0.index < $1.index }
        let settings = try Settings.read(
            (["net/ipv6/conf/all/forwarding"] + SharedSetting.bridgeTracking + MACNotice.defaults).map {
                SettingPath($0)
            })
        let host = tables.namespace(.host, inode: session.hostInode, id: nil, settings: settings)
        var state = ObservedState(host: host, features: features)
        state.initialRules = AddressFamily.allCases.flatMap(RuleMessage.initial).map { ObservedRule($0) }
        state.usedNamespaceIDs = try session.connection.namespaceIDs().sorted()
        state.originals = try OriginalsFile(session.folders).read()
        return state
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
                if let space = try session.openAlone(.named(name)) {
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

    private func publishedPorts() -> Set<UInt16> {
        if allListeners { return Set(1...UInt16.max) }
        var ports: Set<UInt16> = []
        for mapping in desired.endpoints.flatMap(\.portMappings) {
            for port in mapping.hostPorts.first...mapping.hostPorts.last { ports.insert(port) }
        }
        return ports
    }
}
