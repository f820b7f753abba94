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
/// answer for each, settings in one visit. Everything else is done one by one.
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

    private let session: HostSession
    /// Indexes by name, of host links and of links in compartments.
    private var outer: [LinkReference: UInt32] = [:]
    private var inner: [LinkReference: UInt32] = [:]
    private var waiting: [(place: Place, group: [Request])] = []
    private var lane: NamespaceRef = .host
    private var settings: [(place: Place, path: String, value: String)] = []
    private var settingsLane: NamespaceRef = .host
    private(set) var failures: [Failure] = []
    /// Steps of which something was done.
    private(set) var touched: Set<Int> = []

    init(_ session: HostSession) { self.session = session }

    /// Puts an operation in the queue, or does it at once.
    func submit(_ operation: Operation, at place: Place) {
        do {
            if case .writeSetting(let namespace, let path, let value) = operation {
                try flushRequests()
                if settingsLane != namespace { try flushSettings() }
                settingsLane = namespace
                settings.append((place, path, value))
                return
            }
            try flushSettings()
            forgetIndexes(operation)
            // Looking up an index needs everything before it to have happened.
            if let (namespace, group) = try operation.requests(Lookup(executor: self)) {
                if lane != namespace { try flushRequests() }
                lane = namespace
                waiting.append((place, group))
                if waiting.count >= Self.batch { try flushRequests() }
                return
            }
            try flushRequests()
            try perform(operation)
            touched.insert(place.step)
        } catch {
            failures.append(Failure(place: place, reason: error))
        }
    }

    /// Requests that wait at most before they are sent: a failure is noticed, and a signal heeded, this often.
    private static let batch = 256

    /// Sends what waits.
    func flush() {
        do {
            try flushRequests()
            try flushSettings()
        } catch {
            failures.append(Failure(place: Place(step: 0, operation: 0), reason: error))
        }
    }

    private func flushRequests() throws {
        guard !waiting.isEmpty else { return }
        let batch = waiting
        waiting = []
        var position = 0
        let connection = try session.connection(in: lane)
        let results = try connection.perform(batch.map(\.group))
        for (place, group) in batch {
            let answers = results[position..<(position + group.count)]
            position += group.count
            if answers.contains(where: { $0 == nil }) { touched.insert(place.step) }
            if let error = answers.compactMap(\.self).first {
                failures.append(Failure(place: place, reason: error))
            }
        }
    }

    private func flushSettings() throws {
        guard !settings.isEmpty else { return }
        let batch = settings
        settings = []
        let write = { () -> [SystemError?] in
            batch.map { item in
                do throws(SystemError) {
                    try Files.writeProc("/proc/sys/\(item.path)", item.value)
                    return nil
                } catch {
                    return error
                }
            }
        }
        let results: [SystemError?]
        if settingsLane == .host {
            results = write()
        } else if let space = try session.open(settingsLane) {
            results = try session.workers[0].run(in: space.descriptor.rawValue, write)
        } else {
            throw SystemError("open namespace", session.path(settingsLane), .noEntry)
        }
        for (item, error) in zip(batch, results) {
            if let error {
                failures.append(Failure(place: item.place, reason: error))
            } else {
                touched.insert(item.place.step)
            }
        }
    }

    /// A link that is made or deleted has another index than before.
    private func forgetIndexes(_ operation: Operation) {
        switch operation {
        case .createLink(let spec):
            outer[spec.reference] = nil
            if case .veth(let peer) = spec.kind { inner[peer.reference] = nil }
        case .deleteLink(let link):
            outer[link] = nil
            // The other end goes with it, wherever it is.
            inner = [:]
        case .createNamespace, .deleteNamespace, .bindNamespace: inner = [:]
        case .loadModule, .changeLink, .addAddress, .removeAddress, .addRoute, .replaceRoute, .removeRoute,
            .addNeighbour, .removeNeighbour, .writeSetting, .rememberOriginal, .forgetOriginal, .writeFile,
            .removeFile, .firewall:
            break
        }
    }

    private func perform(_ operation: Operation) throws {
        switch operation {
        case .loadModule(let name): try loadModule(name)
        case .createNamespace(let name, let mark, let id): try session.createNamespace(name, mark: mark, id: id)
        case .deleteNamespace(let name): try session.deleteNamespace(name)
        case .bindNamespace(let name): try session.bindNamespace(name)
        case .rememberOriginal(let setting): try OriginalsFile(session.folders).remember(setting)
        case .forgetOriginal(let setting): try OriginalsFile(session.folders).forget(setting)
        case .writeFile(let path, let content): try NamespaceFiles.write(path, content)
        case .removeFile(let path): try NamespaceFiles.remove(path)
        case .firewall(let commands): try session.firewall().commit(commands)
        case .createLink, .deleteLink, .changeLink, .addAddress, .removeAddress, .addRoute, .replaceRoute,
            .removeRoute, .addNeighbour, .removeNeighbour, .writeSetting:
            break
        }
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
            let isOuter = link.namespace == .host
            if let known = isOuter ? executor.outer[link] : executor.inner[link] { return known }
            try executor.flushRequests()
            let index = try executor.session.connection(in: link.namespace).linkIndex(link.name)
            if isOuter { executor.outer[link] = index } else { executor.inner[link] = index }
            return index
        }

        func descriptor(of namespace: NamespaceRef) throws -> Int32? {
            if namespace == .host { return nil }
            guard let space = try executor.session.open(namespace) else {
                throw SystemError("open namespace", executor.session.path(namespace), .noEntry)
            }
            return space.descriptor.rawValue
        }
    }
}
