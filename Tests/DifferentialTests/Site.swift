import Foundation
import Model
import TestSupport

/// A host with random manifests and what it is joined to, a machine outside, and an agent in every compartment, on the
/// host, on the LAN and outside.
final class Site {
    let host: ScratchHost
    let neighbourhood: Neighbourhood
    private let outside: ScratchHost
    private var agents: [String: RunningProcess] = [:]

    /// Answers come from these ports; the ones at both ends are named by no rule.
    static let ports = (RandomManifests.ports.lowerBound - 1)...(RandomManifests.ports.upperBound + 1)
    private static let agent = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Tools/agent.py").path

    init(_ surroundings: Surroundings) throws {
        host = try ScratchHost()
        outside = try ScratchHost()
        try host.connect(
            "uplink", ["192.0.2.1/24", "2001:db8:f::1/64"], to: outside, "eth0",
            RandomManifests.outside.map { "\($0)/\($0.contains(":") ? 64 : 24)" })
        try outside.sh("ip route add 10.0.0.0/8 via 192.0.2.1; ip route add fd00::/16 via 2001:db8:f::1")
        neighbourhood = try Neighbourhood(surroundings, host)
    }

    deinit { for agent in agents.values { agent.signal(SIGKILL) } }

    /// Starts an agent in each of the compartments of these states, one a machine, on the host, on the LAN and outside.
    func startAgents(_ states: [DesiredState]) throws {
        let command = ["python3", Self.agent, "\(Self.ports.lowerBound)", "\(Self.ports.upperBound)"]
        for (state, machine) in zip(states, neighbourhood.machines) {
            for name in state.endpoints.map(\.metadata.name.text) {
                agents[name] = try machine.host.start(["ip", "netns", "exec", name] + command, hasInput: true)
            }
        }
        agents["host"] = try host.start(command, hasInput: true)
        agents["outside"] = try outside.start(command, hasInput: true)
        agents["lan"] = try neighbourhood.lan?.start(command, hasInput: true)
        for agent in agents.values { agent.waitForOutput() }
    }

    /// Asks all agents at once, and gives what became of every probe.
    func run(_ probes: [Probe], wait: Double) throws -> [Int: String] {
        let groups = Dictionary(grouping: probes, by: \.agent)
        var results: [Int: String] = [:]
        for (name, group) in groups {
            let order: [String: Any] = ["wait": wait, "probes": group.map(\.order)]
            let data = try JSONSerialization.data(withJSONObject: order)
            guard let agent = agents[name] else { throw ScratchHost.Failure(description: "no agent \(name)") }
            try agent.tell(String(decoding: data, as: UTF8.self))
        }
        for name in groups.keys {
            guard let text = try agents[name]?.answer(),
                let answer = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String]
            else { throw ScratchHost.Failure(description: "agent \(name) gave no answer") }
            for (id, result) in answer { results[Int(id) ?? -1] = result }
        }
        return results
    }
}
