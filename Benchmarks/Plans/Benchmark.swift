import Firewall
import Manifest
import Model
import Planner

/// What planning costs at two sizes, without a kernel: a plan that grows faster than the manifests shows in the ratio.
/// With a number of endpoints as argument, one size: seconds and what they are of, a line each, for `bench.py`.
@main struct Benchmark {
    static func main() throws {
        if CommandLine.arguments.count > 1 {
            guard let size = Int(CommandLine.arguments[1]), size >= 50, size % 50 == 0 else {
                throw Trouble("endpoints are asked for in networks of fifty, not \(CommandLine.arguments[1])")
            }
            for result in try measure(size) { print("\(result.seconds) \(result.name)") }
            return
        }
        let sizes = [1000, 10_000]
        let results = try sizes.map(measure)
        print("\("what".padded(28))\(sizes.map { "\($0)".padded(12) }.joined())ratio")
        for (place, (name, small)) in results[0].enumerated() {
            let large = results[1][place].seconds
            print(
                "\(name.padded(28))\("\(small.milliseconds) ms".padded(12))\("\(large.milliseconds) ms".padded(12))"
                    + "\((large / small * 10).rounded() / 10)")
        }
    }

    private static func measure(_ count: Int) throws -> [(name: String, seconds: Double)] {
        var results: [(String, Double)] = []
        func time<Value>(_ name: String, _ body: () throws -> Value) throws -> Value {
            // The best of three: what else the machine does only ever makes it slower.
            var best = Double.infinity
            var value = try body()
            for _ in 0..<3 {
                let start = ContinuousClock.now
                value = try body()
                best = min(best, (ContinuousClock.now - start) / .seconds(1))
            }
            results.append((name, best))
            return value
        }
        let text = manifests(count)
        let desired = try time("read and resolve") { try resolve(text) }
        let first = try time("plan from nothing") { try plan(desired, .empty, Ruleset()) }
        let host = try FastHost(first, desired)
        let second = try time("plan in sync") { try plan(desired, host.state, host.firewall) }
        guard second.isInSync else { throw Trouble("not in sync: \(second.steps.prefix(3).map(\.summary))") }
        var other = desired
        for place in other.endpoints.indices { other.endpoints[place].mtu = 1400 }
        _ = try time("plan of a change of all") { try plan(other, host.state, host.firewall) }
        var none = desired
        (none.networks, none.compartments, none.endpoints) = ([], [], [])
        _ = try time("plan that deletes all") { try plan(none, host.state, host.firewall) }
        return results
    }

    private static func plan(_ desired: DesiredState, _ state: ObservedState, _ firewall: Ruleset) throws -> Plan {
        do throws(Planner.Failure) {
            return try Planner.plan(desired: desired, observed: state, firewall: firewall, options: PlanOptions())
        } catch {
            throw Trouble("\(error.diagnostics.prefix(3).map(\.message))")
        }
    }

    /// Networks of fifty endpoints, every tenth of which publishes a port.
    private static func manifests(_ count: Int) -> String {
        var text = ""
        func add(_ kind: String, _ name: String, _ spec: String) {
            text +=
                "apiVersion: bulkhead.dev/v1alpha1\nkind: \(kind)\nmetadata: {name: \(name)}\nspec: {\(spec)}\n---\n"
        }
        for network in 0..<(count / 50) {
            let prefix = "10.\(network / 250).\(network % 250)"
            add("Network", "n\(network)", "type: nat, subnets: [{prefix: \(prefix).0/24}]")
            for number in 0..<50 {
                let place = network * 50 + number
                let port = place % 10 == 0 ? ", portMappings: [{hostPort: \(10_000 + place / 10), port: 80}]" : ""
                add("Endpoint", "e\(place)", "network: n\(network), addresses: [\(prefix).\(number + 10)]\(port)")
            }
        }
        return text
    }

    private static func resolve(_ text: String) throws -> DesiredState {
        var decoder = Decoder()
        decoder.decode(SourceText(name: "all.yaml", bytes: Array(text.utf8)))
        guard decoder.diagnostics.isEmpty, let scope = ObjectName("default") else {
            throw Trouble("\(decoder.diagnostics.prefix(3))")
        }
        let outcome = Resolver.resolve(decoder.documents, scope: scope, host: "here")
        guard let state = outcome.state else { throw Trouble("\(outcome.diagnostics.prefix(3).map(\.message))") }
        return state
    }
}

/// Why there are no numbers.
struct Trouble: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension String {
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(width - count, 1)) }
}

extension Double {
    fileprivate var milliseconds: Double { (self * 10_000).rounded() / 10 }
}
