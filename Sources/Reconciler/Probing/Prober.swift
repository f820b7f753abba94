internal import Addressing
internal import Model
internal import SystemCalls

/// Tries connections inside namespaces with sockets of its own. Many at a time, so that the wait for what never comes
/// is paid once a round; nothing is left behind.
public final class Prober {
    /// Probes under way at once.
    private static let width = 64

    private let session: HostSession
    private var serial: UInt16
    /// Whether the host has an address, for those that were asked for.
    private var local: [IPAddress: Bool] = [:]

    /// A prober for the namespaces of a session.
    public init(_ session: HostSession) {
        self.session = session
        serial = UInt16(truncatingIfNeeded: Host.processID &* 64)
    }

    /// The outcomes, in the order of the probes; none is waited for longer than `patience` milliseconds.
    public func run(_ probes: [Probe], patience: Int32) throws -> [ProbeOutcome] {
        var outcomes: [ProbeOutcome] = []
        var rest = probes[...]
        while !rest.isEmpty {
            outcomes += try round(Array(rest.prefix(Self.width)), patience: patience)
            rest = rest.dropFirst(Self.width)
        }
        return outcomes
    }

    private func round(_ probes: [Probe], patience: Int32) throws -> [ProbeOutcome] {
        var servers: [ServerKey: Result<ProbeSocket, SystemError>] = [:]
        for probe in probes {
            guard let listener = probe.listener else { continue }
            let key = ServerKey(listener: listener, isTCP: probe.isTCP)
            if servers[key] == nil { servers[key] = try open(key) }
        }
        var attempts: [Attempt] = []
        for probe in probes {
            serial &+= 1
            if probe.isForHost, try !isLocal(probe.destination) {
                let reason = "the host has no address \(probe.destination)"
                attempts.append(Attempt(probe, serial, outcome: .skipped(reason)))
            } else if let listener = probe.listener,
                case .failure(let error)? = servers[ServerKey(listener: listener, isTCP: probe.isTCP)]
            {
                attempts.append(Attempt(probe, serial, outcome: Self.outcome(ofServer: error, listener)))
            } else {
                attempts.append(try start(probe, serial))
            }
        }
        // TCP needs no service: the kernel completes the connection. The order of servers is of no meaning.
        let echoing = servers.filter { !$0.key.isTCP }.values.compactMap { try? $0.get() }
        try collect(&attempts, echoing, patience: patience)
        return attempts.map { $0.outcome ?? .silent }
    }

    private struct ServerKey: Hashable {
        var listener: Probe.Listener
        var isTCP: Bool
    }

    private func inside<Value: Sendable>(_ reference: NamespaceRef, _ body: () throws -> Value) throws -> Value {
        guard let namespace = try session.descriptor(reference) else {
            throw ProbeError(reference: reference)
        }
        return try session.workers[0].run(in: namespace.rawValue, body)
    }

    /// Addresses that ports are published on are not bulkhead's to give.
    private func isLocal(_ address: IPAddress) throws -> Bool {
        if let known = local[address] { return known }
        let bytes = address.bytes
        let found = try inside(.host) { (try? ProbeSocket(.udp, address: bytes)) != nil }
        local[address] = found
        return found
    }

    private func open(_ key: ServerKey) throws -> Result<ProbeSocket, SystemError> {
        let (address, port) = (key.listener.address.bytes, key.listener.port)
        return try inside(key.listener.namespace) {
            Result { () throws(SystemError) in
                let socket = try ProbeSocket(key.isTCP ? .tcp : .udp, address: address, port: port)
                if key.isTCP { try socket.listen() }
                return socket
            }
        }
    }

    private static func outcome(ofServer error: SystemError, _ listener: Probe.Listener) -> ProbeOutcome {
        switch error.code {
        case .addressInUse: .skipped("port \(listener.port) of \(listener.address) is in use")
        case .addressNotAvailable: .refused("\(listener.address) is not there")
        case _: .skipped("no listener on \(listener.address) port \(listener.port): \(error.code.name)")
        }
    }

    private func start(_ probe: Probe, _ serial: UInt16) throws -> Attempt {
        let result = try inside(probe.namespace) {
            Result { () throws(SystemError) in
                let socket = try ProbeSocket(probe.socketKind, address: probe.source.bytes)
                try socket.connect(to: probe.destination.bytes, port: probe.port)
                switch probe.kind {
                case .tcp: break
                case .udp: try socket.send(EchoMessage.token(serial))
                case .ping: try socket.send(EchoMessage.request(probe.destination.family, serial))
                }
                return socket
            }
        }
        switch result {
        case .success(let socket): return Attempt(probe, serial, socket: socket)
        case .failure(let error):
            return Attempt(probe, serial, outcome: .refused("\(error.operation): \(error.code.name)"))
        }
    }

    private func collect(_ attempts: inout [Attempt], _ servers: [ProbeSocket], patience: Int32) throws {
        let end = Host.milliseconds() + Int64(patience)
        while true {
            let open = attempts.indices.filter { attempts[$0].outcome == nil }
            let left = end - Host.milliseconds()
            guard !open.isEmpty, left > 0 else { return }
            let waiting =
                servers.map { ($0, false) }
                + open.compactMap { place in attempts[place].socket.map { ($0, attempts[place].probe.isTCP) } }
            for place in try ProbeSocket.wait(waiting, milliseconds: Int32(min(left, 1000))) {
                if place < servers.count {
                    while servers[place].echo() {}
                } else {
                    attempts[open[place - servers.count]].look()
                }
            }
        }
    }
}

/// A compartment that is not there.
public struct ProbeError: Error, CustomStringConvertible {
    let reference: NamespaceRef

    /// What is missing, and what to do.
    public var description: String { "namespace \(reference.text) is not there; apply the manifests first" }
}

/// A probe under way.
private struct Attempt {
    let probe: Probe
    let serial: UInt16
    var socket: ProbeSocket?
    var outcome: ProbeOutcome?

    init(_ probe: Probe, _ serial: UInt16, socket: ProbeSocket? = nil, outcome: ProbeOutcome? = nil) {
        self.probe = probe
        self.serial = serial
        self.socket = socket
        self.outcome = outcome
    }

    /// Looks at a socket that has something to say.
    mutating func look() {
        guard let socket else { return }
        if probe.isTCP {
            outcome = socket.connectError().map { .refused($0.name) } ?? .passed
        } else {
            do throws(SystemError) {
                while let bytes = try socket.receive() {
                    if EchoMessage.isAnswer(bytes, to: probe, serial) { outcome = .passed }
                }
            } catch {
                outcome = .refused(error.code.name)
            }
        }
        if outcome != nil { self.socket = nil }
    }
}

extension Probe {
    var isTCP: Bool {
        switch kind {
        case .tcp: true
        case .udp, .ping: false
        }
    }

    fileprivate var port: UInt16 {
        switch kind {
        case .tcp(let port), .udp(let port): port
        case .ping: 0
        }
    }

    fileprivate var socketKind: ProbeSocket.Kind {
        switch kind {
        case .tcp: .tcp
        case .udp: .udp
        case .ping: .ping
        }
    }
}
