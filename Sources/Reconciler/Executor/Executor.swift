internal import Addressing
internal import Firewall
internal import JSON
internal import Model
internal import NetlinkClient
internal import NetlinkCodec
internal import Planner
internal import SystemCalls

/// Does what operations say, and notes which were done.
///
/// Operations of one namespace that follow one another travel together: netlink requests in one datagram with an
/// answer for each, settings in one visit; namespaces that go in a row go together. Everything else is done one by one.
final class Executor {
    /// An operation of a plan, by its place.
    struct Place: Hashable {
        let step: Int
        let operation: Int
    }

    /// An operation that failed.
    struct Failure: Error {
        let place: Place
        let reason: any Error
    }

    /// Requests that were not sent yet.
    private struct Waiting {
        let place: Place
        let group: [Request]
        /// The link of the host that they delete and do nothing else.
        let deletes: GroupDeletion.Target?
    }

    private let session: HostSession
    private let desired: DesiredState
    private let identities: Identities
    private var links: LinkTable
    private var waiting: [Waiting] = []
    private var lane: NamespaceRef = .host
    private var settings: [(place: Place, path: String, value: String)] = []
    private var settingsLane: NamespaceRef = .host
    /// Namespaces that are to lose their names.
    private var leaving: [(place: Place, name: String)] = []
    private let tree = SettingsTree()
    /// Made when links first go in a row; once they have gone its group is empty again.
    private var deletion: GroupDeletion?
    private var isUndoing = false
    /// Neighbours that answered when they were asked before an uplink moved.
    private var answering: [IPAddress] = []
    /// Links that undoing takes the host's things from, by the place of the move.
    private var vacating: [Place: LinkReference] = [:]
    /// Those that have them still, because the move was not done, or refused.
    private var occupied: Set<LinkReference> = []
    /// How routes of moves stood to those of others when undoing came to them.
    private(set) var standings: [CarriedRoute: RouteStanding] = [:]
    /// For each step of what others undo time and again, all steps of the same.
    private var rivals: [Int: [Int]] = [:]
    /// Steps of those that failed.
    private var thwarted: Set<Int> = []
    private let faults = Faults()
    private(set) var failures: [Failure] = []
    /// Positions of operations that were done, in whole or in part, or of which nobody knows, by step.
    private(set) var done: [Int: Set<Int>] = [:]

    /// An executor of plans for a desired state, which says what connections are allowed, on a host that was as `start`
    /// says when the plan was made.
    init(_ session: HostSession, desired: DesiredState, start: StartingPoint) {
        self.session = session
        self.desired = desired
        identities = Identities(session, scope: desired.scope, start: start)
        links = LinkTable(start)
    }

    /// From now on operations undo others: a failure does not keep the next one from being tried, and every name is
    /// looked up anew, so that nothing else that has it is taken for what is meant.
    func startUndoing() {
        waiting = []
        settings = []
        leaving = []
        failures = []
        isUndoing = true
    }

    /// For each step of what others undo time and again, all steps of the same: where one of those was done, another may
    /// fail, because it was undone meanwhile.
    func expectRivals(_ steps: [Int: [Int]]) { rivals = steps }

    private func fail(_ place: Place, _ reason: any Error) {
        let wasUndone = (reason as? FirewallError)?.isUndoneByOthers ?? false
        let isBegun = (rivals[place.step] ?? []).contains { done[$0] != nil || thwarted.contains($0) }
        guard !isUndoing, rivals[place.step] != nil, wasUndone || isBegun else {
            failures.append(Failure(place: place, reason: reason))
            return
        }
        thwarted.insert(place.step)
    }

    /// Takes the first steps of a plan as done, which another process did.
    func assume(done steps: some Sequence<Step>) {
        for (index, step) in steps.enumerated() { done[index] = Set(step.operations.indices) }
    }

    /// The failures since the last time.
    func takeFailures() -> [Failure] {
        defer { failures = [] }
        return failures
    }

    /// Puts an operation in the queue, or does it at once. After a failure nothing more is done.
    func submit(_ operation: Operation, at place: Place) {
        guard !isStopped else { return }
        do {
            try faults.reach(place, isUndoing) { flush() }
            if case .writeSetting(let namespace, let path, let value) = operation {
                flushRequests()
                flushLeaving()
                if settingsLane != namespace { flushSettings() }
                settingsLane = namespace
                settings.append((place, faults.path(path, at: place, isUndoing), value))
            } else {
                flushSettings()
                try take(operation, at: place)
            }
            faults.leave(place, isUndoing) { flush() }
        } catch is Stopped {
            return
        } catch {
            fail(place, error)
        }
    }

    /// Says that all operations of a step were submitted.
    func leave(step: Int) { faults.leave(step: step) { flush() } }

    private func take(_ operation: Operation, at place: Place) throws {
        if isUndoing, case .moveUplink(let move) = operation {
            vacating[place] = move.from
            occupied.insert(move.from)
        }
        if case .changeLink(_, let changes) = operation, changes.contains(where: \.endsIPv6) {
            // What the kernel refused to take off the link before would go along, and undoing would not know of it.
            flush()
            guard !isStopped else { return }
        }
        if !isUndoing, case .deleteNamespace(let name) = operation {
            flushRequests()
            guard !isStopped else { return }
            try faults.refuse(place, isUndoing)
            leaving.append((place, name))
            if leaving.count >= Self.batch { flushLeaving() }
            return
        }
        flushLeaving()
        let target = try target(of: operation)
        if target == .settled { return }
        if isUndoing { try spareOccupied(operation) }
        links.forget(operation)
        // Looking up an index needs everything before it to have happened.
        guard let (namespace, plain) = try operation.requests(Lookup(executor: self)) else {
            flushRequests()
            guard !isStopped else { return }
            try faults.refuse(place, isUndoing)
            // A file on a full disk is written half, and its folder is there; FRR takes line by line.
            if operation.isDoneInParts { done[place.step, default: []].insert(place.operation) }
            try perform(operation)
            done[place.step, default: []].insert(place.operation)
            return
        }
        var group = plain
        if case .createLink(let spec) = operation, spec.reference.namespace == .host {
            let index = try links.reserve(spec.reference, besides: session.plainLinks)
            group = group.map { $0.addressed(toLink: index) }
            if case .tap(let options) = spec.kind {
                return try makeTap(spec.reference.name, index, options, group, at: place)
            }
        } else if case .link(let index) = target {
            group = group.map { $0.addressed(toLink: index) }
        }
        if isUndoing, case .addQdisc(let link, .redirect) = operation {
            group = try Operation.removal(ofRedirect: link, Lookup(executor: self)) + group
        }
        if lane != namespace { flushRequests() }
        lane = namespace
        let requests = faults.requests(group, at: place, isUndoing)
        waiting.append(Waiting(place: place, group: requests, deletes: deleted(operation, target, requests)))
        if waiting.count >= Self.batch { flushRequests() }
    }

    /// A tap is made by the call of its own, and stays once it is what it shall be: a run that is killed before leaves none.
    private func makeTap(
        _ name: String, _ index: UInt32, _ options: TapOptions, _ group: [Request], at place: Place
    ) throws {
        flush()
        guard !isStopped else { return }
        let before = failures.count
        let device = try TapDevice(
            name: name, index: index, owner: options.owner?.value(), group: options.group?.value(),
            multiQueue: options.multiQueue)
        lane = .host
        waiting.append(Waiting(place: place, group: faults.requests(group, at: place, isUndoing), deletes: nil))
        flushRequests()
        if failures.count == before { try device.keep() }
    }

    /// A bridge from which the host's addresses could not go back is not deleted with them.
    private func spareOccupied(_ operation: Operation) throws {
        // One that is gone has nothing.
        guard case .deleteLink(let link) = operation, occupied.contains(link), let index = links[link] else { return }
        flushRequests()
        // Of a move of which the kernel refused a route on the other link, nothing is left here.
        guard occupied.contains(link), try !UplinkReading(session.connection, on: link, index).isEmpty else { return }
        throw StateError(
            "\(link) has still what the host had on its uplink, and stays; `bulkhead apply` goes on from there")
    }

    /// The link of the host that a request deletes, where it is the one that the operation asks for.
    private func deleted(_ operation: Operation, _ target: Target, _ requests: [Request]) -> GroupDeletion.Target? {
        guard !isUndoing, case .deleteLink(let link) = operation, link.namespace == .host, requests.count == 1,
            requests[0].type == .deleteLink
        else { return nil }
        guard case .link(let index) = target else { return GroupDeletion.Target(name: link.name, index: 0) }
        return GroupDeletion.Target(name: link.name, index: index)
    }

    /// What stands behind the name of the link that an operation is about.
    private enum Target: Equatable {
        /// Whatever has the name.
        case named
        /// The link of the host with this index, under whatever name.
        case link(UInt32)
        /// There is nothing to do.
        case settled
    }

    private func target(of operation: Operation) throws -> Target {
        if isUndoing { return try targetOfUndoing(operation) }
        guard let link = operation.link, link.namespace == .host, let index = links[link] else { return .named }
        return .link(index)
    }

    /// Another process may have done the step or died before it, so its inverse may speak of what is not to be undone:
    /// a link that was there before is not deleted, and one that was not deleted is not made again.
    private func targetOfUndoing(_ operation: Operation) throws -> Target {
        guard let link = operation.link else { return .named }
        guard link.namespace == .host else {
            guard try identities.namespace(link.namespace) != nil else { return .named }
            links[link] = try identities.index(link)
            return isUndone(operation, there: links[link]) ? .settled : .named
        }
        let made = links.index(made: link)
        let index = try identities.index(link, made: made)
        links[link] = index
        switch operation {
        case .createLink:
            guard let index else { return .named }
            try GroupDeletion.spare(link.name, index, session.connection)
            return .settled
        case .deleteLink:
            if index != nil && index == identities.original(link) { return .settled }
            return (index ?? made).map { .link($0) } ?? .named
        case .loadModule, .createNamespace, .deleteNamespace, .bindNamespace, .changeLink, .addAddress, .removeAddress,
            .addRoute, .replaceRoute, .removeRoute, .addRule, .removeRule, .addQdisc, .removeQdisc, .addNeighbour,
            .removeNeighbour, .moveUplink, .noteNeighbours, .expectNeighbours, .writeSetting, .rememberOriginal,
            .forgetOriginal, .writeFile, .removeFile, .forgetNeighbours, .cutConnections, .clearWay, .configureRouting,
            .firewall:
            return index.map { .link($0) } ?? .named
        }
    }

    /// Whether there is nothing to undo of a link in a compartment, because it was not deleted, or is one of before.
    private func isUndone(_ operation: Operation, there index: UInt32?) -> Bool {
        guard let index else { return false }
        if case .createLink = operation { return true }
        if case .deleteLink(let link) = operation { return index == identities.original(link) }
        return false
    }

    /// An operation was given up because one before it failed.
    private struct Stopped: Error {}

    private var isStopped: Bool { !isUndoing && !failures.isEmpty }

    /// Requests that wait at most before they are sent: a failure is noticed, and a signal heeded, this often.
    private static let batch = 256

    /// Sends what waits.
    func flush() {
        flushRequests()
        flushSettings()
        flushLeaving()
    }

    private func flushLeaving() {
        guard !leaving.isEmpty else { return }
        let batch = leaving
        leaving = []
        guard !isStopped else { return }
        var known: [(place: Place, name: String)] = []
        for item in batch {
            do {
                _ = try identities.namespace(.named(item.name))
                known.append(item)
            } catch {
                failures.append(Failure(place: item.place, reason: error))
                break
            }
        }
        for (item, error) in zip(known, session.deleteNamespaces(known.map(\.name))) {
            if let error {
                failures.append(Failure(place: item.place, reason: error))
            } else {
                done[item.place.step, default: []].insert(item.place.operation)
            }
        }
    }

    private func flushRequests() {
        guard !waiting.isEmpty else { return }
        let batch = waiting
        waiting = []
        guard !isStopped else { return }
        let results: [NetlinkError?]
        do {
            if lane != .host { _ = try identities.namespace(lane) }
            let connection = try session.connection(in: lane)
            do {
                results = try send(batch, over: connection)
            } catch {
                // They were sent, and nobody knows what became of them.
                for item in batch { done[item.place.step, default: []].insert(item.place.operation) }
                throw error
            }
        } catch {
            failures.append(Failure(place: batch[0].place, reason: error))
            return
        }
        var position = 0
        for (place, group) in batch.map({ ($0.place, $0.group) }) {
            let answers = results[position..<(position + group.count)]
            position += group.count
            let errors = answers.compactMap(\.self)
            if errors.count < group.count { done[place.step, default: []].insert(place.operation) }
            // Half of a group may have been undone before: what is as it should be hides no real failure.
            let real = isUndoing ? errors.first { !Remedy.isGone($0) && !Remedy.isPresence($0) } : nil
            // A move to an interface that is gone moves nothing.
            if real == nil, !errors.contains(where: Remedy.lacksDevice), let link = vacating[place] {
                occupied.remove(link)
            }
            if let error = real ?? errors.first, isUndoing || !isRemoval(group) || !Remedy.isGone(error) {
                fail(place, error)
            }
        }
    }

    /// Links that are deleted in a row go together.
    private func send(_ batch: [Waiting], over connection: NetlinkConnection) throws -> [NetlinkError?] {
        var results: [NetlinkError?] = []
        var rest = batch[...]
        while let first = rest.first {
            let isDeletion = first.deletes != nil
            let run = rest.prefix { ($0.deletes != nil) == isDeletion }
            let names = run.compactMap(\.deletes)
            if names.count >= GroupDeletion.minimum {
                let deletion = try deletion ?? GroupDeletion(connection, besides: session.plainLinks())
                self.deletion = deletion
                results += try deletion.run(names)
            } else {
                results += try connection.perform(run.map(\.group))
            }
            rest = rest.dropFirst(run.count)
        }
        return results
    }

    /// Others remove things, too, and a link goes when the namespace of its other end does, which takes a while.
    private func isRemoval(_ group: [Request]) -> Bool {
        let removals: [MessageType] = [
            .deleteLink, .deleteAddress, .deleteRoute, .deleteNeighbour, .deleteRule, .deleteQdisc,
        ]
        return group.allSatisfy { removals.contains($0.type) }
    }

    private func flushSettings() {
        guard !settings.isEmpty else { return }
        let batch = settings
        settings = []
        guard !isStopped else { return }
        let results: [SystemError?]
        do {
            results = try write(batch, in: settingsLane)
        } catch {
            failures.append(Failure(place: batch[0].place, reason: error))
            return
        }
        for (item, error) in zip(batch, results) {
            if let error {
                fail(item.place, error)
            } else {
                done[item.place.step, default: []].insert(item.place.operation)
            }
        }
    }

    /// Writes in order, in one visit; the first step that fails is the last, unless all are to be tried.
    private func write(
        _ batch: [(place: Place, path: String, value: String)], in namespace: NamespaceRef
    ) throws -> [SystemError?] {
        let triesAll = isUndoing
        let tree = namespace == .host ? nil : tree
        let write = { () -> [SystemError?] in
            var settings = KernelSettings(tree)
            var results: [SystemError?] = []
            while results.count < batch.count {
                let step = batch[results.count].place.step
                let items = batch[results.count...].prefix { $0.place.step == step }.map { ($0.path, $0.value) }
                let part = settings.write(items, triesAll: triesAll)
                results += part
                if !triesAll, part.contains(where: { $0 != nil }) { break }
            }
            return results
        }
        if namespace == .host { return write() }
        guard let space = try identities.namespace(namespace) else {
            throw SystemError("open namespace", session.path(namespace), .noEntry)
        }
        return try session.workers[0].run(in: space.descriptor.rawValue, write)
    }

    private func look(for link: LinkReference) throws -> UInt32 {
        let found =
            isUndoing
            ? try identities.index(link, made: links.index(made: link))
            : try session.connection(in: link.namespace).linkIndex(link.name)
        if let found { return found }
        throw NetlinkError(operation: "read link \(link.name)", code: .noDevice, text: nil)
    }

    private func perform(_ operation: Operation) throws {
        switch operation {
        case .loadModule(let name): try loadModule(name)
        case .createNamespace(let name, let mark, let id): try session.createNamespace(name, mark: mark, id: id)
        case .deleteNamespace(let name): try deleteNamespace(name)
        case .bindNamespace(let name):
            if try identities.namespace(.named(name)) == nil { try session.bindNamespace(name, scope: desired.scope) }
        case .rememberOriginal(let setting): try OriginalsFile(session.folders).remember(setting)
        case .forgetOriginal(let setting): try OriginalsFile(session.folders).forget(setting)
        case .writeFile(let path, let content): try NamespaceFiles(session, desired.scope).write(path, content)
        case .removeFile(let path): try NamespaceFiles(session, desired.scope).remove(path)
        case .cutConnections: try ConnectionCut(session, desired).run()
        case .clearWay(let entries, let blocks): try ConnectionCut(session, desired).clearWay(entries, behind: blocks)
        case .noteNeighbours(let link, let addresses):
            if !isUndoing { answering = try NeighbourCheck(session).answering(addresses, on: link.name) }
        case .expectNeighbours(let link, _):
            if !isUndoing { try NeighbourCheck(session).expect(answering, on: link.name) }
        case .configureRouting(let change): try RoutingWriter(session.folders, desired.scope).apply(change)
        case .firewall(let commands): try session.firewall().commit(commands)
        case .createLink, .deleteLink, .changeLink, .addAddress, .removeAddress, .addRoute, .replaceRoute,
            .removeRoute, .moveUplink, .addRule, .removeRule, .addQdisc, .removeQdisc, .addNeighbour, .removeNeighbour,
            .forgetNeighbours, .writeSetting:
            break
        }
    }

    /// Undoing a creation that never came to be must not delete what was there before.
    private func deleteNamespace(_ name: String) throws {
        let reference = NamespaceRef.named(name)
        if let space = try identities.namespace(reference), isUndoing, identities.isOriginal(space, reference) {
            return
        }
        try session.deleteNamespace(name)
    }

    private func loadModule(_ name: String) throws {
        let status = try Host.run("/sbin/modprobe", ["--", name])
        guard status == 0 else {
            throw StateError("modprobe \(name) ended with status \(status); install the kernel's modules")
        }
    }

    /// Looks indexes up in the kernel, once each.
    private struct Lookup: LinkIndexes {
        let executor: Executor

        func index(of link: LinkReference) throws -> UInt32 {
            if let known = executor.links[link] { return known }
            executor.flushRequests()
            if executor.isStopped { throw Stopped() }
            let index = try executor.look(for: link)
            executor.links[link] = index
            return index
        }

        func descriptor(of namespace: NamespaceRef) throws -> Int32? {
            if namespace == .host { return nil }
            guard let space = try executor.identities.namespace(namespace) else {
                throw SystemError("open namespace", executor.session.path(namespace), .noEntry)
            }
            return space.descriptor.rawValue
        }

        func choose(for link: LinkReference) -> UInt32 { executor.links.choose(link) }

        func hostID(in namespace: NamespaceRef) throws -> Int32 {
            executor.flushRequests()
            if executor.isStopped { throw Stopped() }
            _ = try executor.identities.namespace(namespace)
            return try executor.session.hostID(in: namespace)
        }

        func cargo(of move: UplinkMove) throws -> UplinkLoad {
            executor.flush()
            if executor.isStopped { throw Stopped() }
            let connection = executor.session.connection
            guard executor.isUndoing else {
                // What left the one link would be lost without the other.
                guard try connection.link(move.to.name)?.index == index(of: move.to) else {
                    throw NetlinkError(operation: "read link \(move.to.name)", code: .noDevice, text: nil)
                }
                let reading = try UplinkReading(connection, on: move.from, try index(of: move.from))
                return UplinkLoad(move: try reading.current(move), nextHops: reading.nextHops)
            }
            let reading = try UplinkReading(connection, on: move.from, try indexWhileThere(of: move.from))
            let returning = reading.returning(move)
            executor.standings.merge(reading.standings(of: returning)) { first, _ in first }
            return UplinkLoad(
                move: returning, nextHops: reading.nextHops, arrivals: reading.arrivals(of: returning.routes))
        }

        func indexWhileThere(of link: LinkReference) throws -> UInt32? {
            guard executor.isUndoing else { return try index(of: link) }
            executor.links[link] = try executor.identities.index(link, made: executor.links.index(made: link))
            return executor.links[link]
        }
    }
}

extension Operation {
    /// Whether one that fails may have been done in part.
    fileprivate var isDoneInParts: Bool {
        switch self {
        case .writeFile, .configureRouting: true
        case .loadModule, .createNamespace, .deleteNamespace, .bindNamespace, .createLink, .deleteLink, .changeLink,
            .addAddress, .removeAddress, .addRoute, .replaceRoute, .removeRoute, .addRule, .removeRule, .addQdisc,
            .removeQdisc, .addNeighbour, .removeNeighbour, .forgetNeighbours, .moveUplink, .noteNeighbours,
            .expectNeighbours, .writeSetting, .rememberOriginal, .forgetOriginal, .removeFile, .cutConnections,
            .clearWay, .firewall:
            false
        }
    }
}
