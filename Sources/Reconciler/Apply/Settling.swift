internal import Model
internal import NetlinkClient
internal import NetlinkCodec
internal import Planner
internal import SystemCalls

/// What is to be thought of a compartment that differs after an apply.
///
/// Whoever is root in a container puts back at once what an apply puts right. That is no failure of the apply, and must not
/// keep the rest of the host from what the manifests say. A kernel that does not keep what it acknowledges is one.
struct Settling {
    enum Verdict {
        /// It was right when it was done once more and read at once.
        case right
        /// Somebody changes it at this moment.
        case meddled
        /// It differs, and nobody is seen to do it.
        case differs
    }

    let session: HostSession
    let desired: DesiredState
    let options: PlanOptions
    let observation: Observation
    /// Steps that are still to come.
    let waiting: Set<String>

    /// Does the steps that are left in a namespace once more, and reads it alone at once: what is right for that moment was
    /// kept. Meanwhile it hears who else asks the kernel for changes there.
    func settle(_ reference: NamespaceRef, _ left: [Step]) throws -> Verdict {
        guard let space = try session.open(reference) else { return .differs }
        let others = try Others(session, reference, space)
        var steps = left
        var heard: Set<MessageType> = []
        // What was right at no time: the rest was kept, and somebody changed it since.
        var stubborn = left
        for attempt in 0..<Self.patience where attempt < Self.attempts || isDue(stubborn.map(\.kind), heard) {
            perform(steps)
            let (differences, isWhole) = try differences(in: reference, space)
            // Tables that change all the time cannot be read; what is no table can.
            if !isWhole { heard.formUnion(steps.flatMap { Self.types($0.kind) }) }
            steps = isWhole ? differences : steps.filter { !Self.types($0.kind).isEmpty } + differences
            if steps.isEmpty { return .right }
            let differing = Set(steps.map(\.id))
            stubborn.removeAll { !differing.contains($0.id) }
            heard.formUnion(others.hear())
        }
        return areExcused(stubborn.map(\.kind), by: heard) ? .meddled : .differs
    }

    /// Reads a namespace again and again, after all was undone, until these steps and no others are what an apply would do
    /// there, as before. Meanwhile it hears who else asks the kernel for changes there.
    func compare(_ reference: NamespaceRef, with before: [Step]) throws -> Verdict {
        guard let space = try session.open(reference) else { return .differs }
        let others = try Others(session, reference, space)
        let expected = Dictionary(before.map { (StepTrace($0), $0.kind) }, uniquingKeysWith: { first, _ in first })
        var heard: Set<MessageType> = []
        // What was as before at no time.
        var stubborn: [StepTrace: Step.Kind]?
        for attempt in 0..<Self.patience where attempt < Self.attempts || isDue((stubborn ?? [:]).values, heard) {
            let (differences, isWhole) = try differences(in: reference, space)
            let found = Dictionary(
                differences.map { (StepTrace($0), $0.kind) }, uniquingKeysWith: { first, _ in first })
            var different = found.filter { expected[$0.key] == nil }
                .merging(expected.filter { found[$0.key] == nil }) { first, _ in first }
            if !isWhole {
                heard.formUnion(Self.groupTypes)
                different = different.filter { Self.types($0.value).isEmpty }
            } else if different.isEmpty {
                return .right
            }
            stubborn = stubborn?.filter { different[$0.key] != nil || !isWhole } ?? different
            heard.formUnion(others.hear())
        }
        return areExcused((stubborn ?? [:]).values, by: heard) ? .meddled : .differs
    }

    /// Whether somebody was heard to change all of what differs.
    private func areExcused(_ kinds: some Sequence<Step.Kind>, by heard: Set<MessageType>) -> Bool {
        kinds.allSatisfy { !heard.isDisjoint(with: Self.types($0)) }
    }

    /// Whether it is still worth waiting for whoever changes what differs: deleting a device takes its process seconds on a
    /// busy machine, in which nothing is told. Of some kinds nothing is ever told.
    private func isDue(_ kinds: some Sequence<Step.Kind>, _ heard: Set<MessageType>) -> Bool {
        let silent = kinds.filter { heard.isDisjoint(with: Self.types($0)) }
        return !silent.isEmpty && silent.allSatisfy { !Self.types($0).isEmpty }
    }

    /// One that fails fails because something is gone, or there, in the meantime.
    private func perform(_ steps: [Step]) {
        let plan = Plan(scope: desired.scope, host: desired.host, steps: steps)
        let start = StartingPoint(plan, observed: observation.state, firewall: observation.firewall)
        let executor = Executor(session, desired: desired, start: start)
        for (index, step) in steps.enumerated() {
            for (number, operation) in step.operations.enumerated() {
                executor.submit(operation, at: Executor.Place(step: index, operation: number))
            }
            executor.leave(step: index)
        }
        executor.flush()
    }

    /// Whether the tables were read whole; where they were not, what differs beside them.
    private func differences(in reference: NamespaceRef, _ space: OpenNamespace) throws -> (
        steps: [Step], isWhole: Bool
    ) {
        // First, because whoever is in there rewrites them at once.
        let files = try files(of: reference)
        let tables = try tables(in: reference)
        let paths =
            Reads.settings(desired, ipv6: observation.state.features.ipv6)
            .first { $0.namespace == reference }?.paths ?? []
        let forgotten = Reads.forgotten(
            desired, files: observation.state.files, below: session.folders.namespaceFiles)
        let all = paths + (forgotten.namespaces.first { $0.namespace == reference }?.paths ?? [])
        let settings = try session.workers[0].run(in: space.descriptor.rawValue) {
            try Settings.read(all.map { SettingPath($0) })
        }
        var state = observation.state
        for index in state.namespaces.indices where state.namespaces[index].reference == reference {
            state.namespaces[index].settings = settings
            guard let tables else { continue }
            state.namespaces[index] = tables.namespace(
                reference, inode: space.inode, id: space.id,
                hostID: try tables.hostID(
                    try session.connection(in: reference), host: session.hostNamespace.rawValue), settings: settings)
        }
        if case .named(let name) = reference {
            let places = CompartmentFiles.names.map { "\(session.folders.namespaceFiles)/\(name)/\($0)" }
            state.files = state.files.filter { !places.contains($0.path) } + files
        }
        let plan = try Planner.plan(
            desired: desired, observed: state, firewall: observation.firewall, options: options)
        let steps = plan.steps.filter { $0.compartmentAlone(options) == reference && !waiting.contains($0.id) }
        return (steps.filter { tables != nil || Self.types($0.kind).isEmpty }, tables != nil)
    }

    private func files(of reference: NamespaceRef) throws -> [ObservedFile] {
        guard case .named(let name) = reference else { return [] }
        return try CompartmentFileReading(session.folders).files(of: name)
    }

    /// Nil where they kept changing while they were read.
    private func tables(in reference: NamespaceRef) throws -> NamespaceTables? {
        do {
            return try NamespaceTables.read(try session.connection(in: reference), counters: false, rules: true)
        } catch let error as NetlinkError where error.code == .interrupted {
            return nil
        }
    }

    /// What is told of changes of this kind. Nobody is told who writes a setting or a file.
    private static func types(_ kind: Step.Kind) -> Set<MessageType> {
        switch kind {
        case .link, .veth, .tap, .bridge, .vxlan, .port: [.newLink, .deleteLink]
        case .address: [.newAddress, .deleteAddress, .newLink]
        case .route: [.newRoute, .deleteRoute, .newLink, .deleteAddress]
        case .rule: [.newRule, .deleteRule]
        case .connections, .file, .firewall, .module, .namespace, .neighbour, .qdisc, .routing, .setting, .uplink: []
        }
    }

    /// All that is told of anything.
    private static let groupTypes: Set<MessageType> = [
        .newLink, .deleteLink, .newAddress, .deleteAddress, .newRoute, .deleteRoute, .newRule, .deleteRule,
    ]
    /// How often it is read in any case, and at most; each time it is listened for 20 ms or more.
    private static let (attempts, patience) = (20, 250)
}
