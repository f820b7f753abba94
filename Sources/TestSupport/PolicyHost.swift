internal import Foundation

/// A host with one `nat` network `web` of both families and endpoints on it, whose policies a test changes.
public final class PolicyHost {
    /// The host itself.
    public let host: ScratchHost
    /// The probe program of the kernel tests.
    public static let probe = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Tests/KernelTests/Tools/probe.py").path
    /// The network alone, for manifests that say the rest themselves: four lines.
    public static let web = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}, {prefix: "fd00:88::/64"}]}
        """
    private var servers: [RunningProcess] = []

    /// Endpoints get `10.88.0.10`, `.11` … and `fd00:88::10`, `::11` …; `labels` are `app: NAME`.
    public init(_ endpoints: [String], network: String = "") throws {
        host = try ScratchHost()
        var text = """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: web}
            spec:
              type: nat
              subnets: [{prefix: 10.88.0.0/24}, {prefix: "fd00:88::/64"}]
            \(network)

            """
        for (number, name) in endpoints.enumerated() {
            text += """
                ---
                apiVersion: bulkhead.dev/v1alpha1
                kind: Endpoint
                metadata: {name: \(name), labels: {app: \(name)}}
                spec: {network: web, addresses: [10.88.0.\(10 + number), "fd00:88::\(10 + number)"]}

                """
        }
        try host.write("base.yaml", text)
    }

    deinit { for server in servers { server.signal(SIGKILL) } }

    /// Declares these policies and no others: name and `spec`.
    public func policies(_ policies: [(name: String, spec: String)]) throws {
        let documents = policies.map { name, spec in
            let body = spec.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }
            return "apiVersion: bulkhead.dev/v1alpha1\nkind: Policy\nmetadata: {name: \(name)}\nspec:\n"
                + body.joined(separator: "\n") + "\n"
        }
        try host.write("policies.yaml", documents.joined(separator: "---\n"))
    }

    /// Applies, and expects it to work and to be in sync afterwards.
    public func apply() throws {
        let result = try host.bulkhead("apply", "manifests", "--yes")
        guard result.status == 0 else {
            throw ScratchHost.Failure(description: "apply ended with \(result.status): \(result.errors)")
        }
        let plan = try host.bulkhead("plan", "manifests", "--detailed-exitcode")
        guard plan.status == 0 else {
            throw ScratchHost.Failure(description: "not in sync after apply: \(plan.output)\(plan.errors)")
        }
    }

    /// Starts a server inside an endpoint and waits until it listens.
    public func serve(_ endpoint: String, _ arguments: String...) throws {
        let server = try host.start(["ip", "netns", "exec", endpoint, "python3", Self.probe] + arguments)
        server.waitForOutput()
        servers.append(server)
    }

    /// What the probe says: the client's address as the server sees it, `refused` or `silent`.
    public func probe(_ endpoint: String, _ arguments: String...) throws -> String {
        let inside = endpoint == "host" ? [] : ["ip", "netns", "exec", endpoint]
        let result = try host.run(inside + ["python3", Self.probe] + arguments)
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Connects to an echo server; every `ask` sends a byte and says `alive` or `cut`. Whoever expects that it is cut asks
    /// with the seconds that are enough to know.
    public func talk(_ endpoint: String, _ address: String, _ port: Int) throws -> RunningProcess {
        let client = try host.start(
            ["ip", "netns", "exec", endpoint, "python3", Self.probe, "talk-tcp", address, "\(port)", "9", "60"],
            hasInput: true)
        client.waitForOutput()
        servers.append(client)
        return client
    }

    /// Connects again and again while something is done: how many connections it got, and how many of the last hundred
    /// live on.
    public func storm(_ endpoint: String, _ address: String, _ port: Int, during action: () throws -> Void) throws
        -> (opened: Int, alive: Int)
    {
        let inside = endpoint == "host" ? [] : ["ip", "netns", "exec", endpoint]
        let client = try host.start(inside + ["python3", Self.probe, "storm", address, "\(port)"], hasInput: true)
        servers.append(client)
        client.waitForOutput()
        try action()
        let answer = try client.ask("stop")
        let numbers = answer.split(separator: " ").compactMap { Int($0) }
        guard numbers.count == 2 else { throw ScratchHost.Failure(description: "storm said \(answer)") }
        return (numbers[0], numbers[1])
    }
}
