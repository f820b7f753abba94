import Foundation
import TestSupport

/// A scratch host with a `bulkhead watch` at work on it, whose documents go to a file. It ends with this object.
final class Watched {
    let host: ScratchHost
    let process: RunningProcess
    /// How many documents were taken so far.
    private var taken: Int

    /// Nothing that is waited for takes as long as this, on whatever machine.
    private static let patience: TimeInterval = 120

    static let network = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}]}

        """

    static func endpoint(_ name: String, _ more: String = "") -> String {
        """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: \(name)}
        spec: {network: web\(more)}

        """
    }

    /// Why the tests may not run.
    static let needs = getuid() == 0
    static let needsText = "needs root: settings of the host's namespace and signals between its processes"

    /// Starts it on a host with these manifests, and waits until it listens.
    convenience init(_ documents: String..., options: [String] = []) throws {
        let host = try ScratchHost()
        try host.write("all.yaml", documents.joined())
        try self.init(on: host, options)
    }

    /// Starts it on a host, by default with its manifests folder, and waits until it listens.
    init(
        on host: ScratchHost, _ options: [String] = [], paths: [String] = ["manifests"],
        environment: [String: String] = [:], isReady: Bool = true
    ) throws {
        self.host = host
        // One that was there before has said its words.
        let before = try? String(contentsOf: host.folder.appendingPathComponent("out"), encoding: .utf8)
        taken = before?.split(separator: "\n").count ?? 0
        let command = [ScratchHost.binary, "watch", "--output", "json", "--verbose"] + options + paths
        process = try host.start(
            ["sh", "-c", "exec \"$@\" >>out 2>>errors", "sh"] + command, environment: environment)
        if isReady { try wait(for: "ready") }
    }

    deinit {
        process.signal(SIGKILL)
        _ = try? process.finish()
    }

    private func text(_ name: String) -> String {
        (try? String(contentsOf: host.folder.appendingPathComponent(name), encoding: .utf8)) ?? ""
    }

    /// What it said on standard error.
    var errors: String { text("errors") }

    /// All that it said so far.
    var documents: [[String: Any]] {
        // The last line may be half written.
        text("out").split(separator: "\n", omittingEmptySubsequences: false).dropLast().compactMap { line in
            try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        }
    }

    /// How often it looked at the host.
    var looks: Int { errors.split(separator: "\n").count { $0.contains(": looked: ") } }

    /// Waits for the next document of an event; those before it are taken, too.
    @discardableResult
    func wait(for event: String) throws -> [String: Any] {
        var found: [String: Any]?
        try until("no event '\(event)'") {
            let all = documents
            guard let place = all[min(taken, all.count)...].firstIndex(where: { $0["event"] as? String == event })
            else {
                return false
            }
            (taken, found) = (place + 1, all[place])
            return true
        }
        return found ?? [:]
    }

    /// Waits until a repair of a step whose words begin like this.
    @discardableResult
    func waitForRepair(of step: String) throws -> [String: Any] {
        while true {
            let document = try wait(for: "repaired")
            if (document["steps"] as? [String] ?? []).contains(where: { $0.hasPrefix(step) }) { return document }
        }
    }

    /// Waits until something is so.
    func until(_ complaint: String, _ condition: () throws -> Bool) throws {
        let end = Date().addingTimeInterval(Self.patience)
        while try !condition() {
            guard Date() < end else {
                throw ScratchHost.Failure(description: "\(complaint): \(text("out"))\(errors)")
            }
            usleep(20_000)
        }
    }

    /// Waits until the manifests are in force and it has nothing to do any more, for so many seconds.
    func settle(for seconds: Double = 0.7) throws {
        try until("it does not come to rest") {
            let before = looks
            guard try host.bulkhead("drift", "manifests").status == 0 else { return false }
            usleep(UInt32(seconds * 1_000_000))
            return looks == before
        }
    }

    /// Options with which it does not look by itself, for tests that count how often it does.
    static let onlyWhenTold = ["--interval", "3600s"]
    /// So long nothing is told after what the kernel itself has to say: duplicate addresses are looked for, and carriers
    /// told of, within two seconds.
    static let rest = 4.0

    /// Does something of several steps while it is stopped, so that it does not see some of them alone.
    func unseen(_ body: () throws -> Void) throws {
        process.signal(SIGSTOP)
        defer { process.signal(SIGCONT) }
        guard process.waitForStop() else { throw ScratchHost.Failure(description: "it has ended: \(errors)") }
        try body()
    }

    /// Tells it to stop, and waits for that.
    func stop(_ signal: Int32 = SIGTERM) throws -> Int32 {
        process.signal(signal)
        return try process.finish().status
    }
}
