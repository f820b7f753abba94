import Firewall
import Manifest
import Model
import NetlinkCodec
import Planner

/// What planning costs at two sizes, without a kernel: a plan that grows faster than the manifests shows in the ratio.
///
/// For `bench.py`: with a number of endpoints, that size alone, seconds and what they are of in a line each; with the
/// name of a phase behind it, every phase once and that one twice, so that somebody who counts instructions can subtract.
@main struct Benchmark {
    private let size: Int
    /// How often a phase runs, by its name.
    private let runs: (String) -> Int
    private var results: [(name: String, seconds: Double)] = []

    static func main() throws {
        let words = CommandLine.arguments.dropFirst()
        guard let word = words.first else { return try compare([1000, 10_000]) }
        guard let size = Int(word), size >= 50, size % 50 == 0 else {
            throw Trouble("endpoints are asked for in networks of fifty, not \(word)")
        }
        let phase = words.dropFirst().first
        // The best of three, after one to warm up: what else the machine does only ever makes it slower.
        let results = try measure(size) { name in phase.map { $0 == name ? 2 : 1 } ?? 4 }
        guard phase == nil || phase == "none" || results.contains(where: { $0.name == phase }) else {
            throw Trouble("there is no phase \(phase ?? "")")
        }
        for result in results { print("\(result.seconds) \(result.name)") }
    }

    private static func compare(_ sizes: [Int]) throws {
        let results = try sizes.map { try measure($0) { _ in 4 } }
        print("\("what".padded(28))\(sizes.map { "\($0)".padded(12) }.joined())ratio")
        for (place, (name, small)) in results[0].enumerated() {
            let large = results[1][place].seconds
            print(
                "\(name.padded(28))\("\(small.milliseconds) ms".padded(12))\("\(large.milliseconds) ms".padded(12))"
                    + "\((large / small * 10).rounded() / 10)")
        }
    }

    private static func measure(_ size: Int, runs: @escaping (String) -> Int) throws -> [(
        name: String, seconds: Double
    )] {
        var benchmark = Benchmark(size: size, runs: runs)
        try benchmark.measure()
        return benchmark.results
    }

    private init(size: Int, runs: @escaping (String) -> Int) {
        self.size = size
        self.runs = runs
    }

    private mutating func time<Value>(_ name: String, _ body: () throws -> Value) throws -> Value {
        var best = Double.infinity
        var value = try body()
        for _ in 1..<max(runs(name), 1) {
            let start = ContinuousClock.now
            value = try body()
            best = min(best, (ContinuousClock.now - start) / .seconds(1))
        }
        results.append((name, best))
        return value
    }

    private mutating func measure() throws {
        let size = self.size
        let text = Self.manifests(size)
        let decoder = try time("parse and decode") { Self.decode(text) }
        let desired = try time("resolve") { try Self.resolve(decoder) }
        let first = try time("plan from nothing") { try Self.plan(desired, .empty, Ruleset()) }
        let host = try FastHost(first, desired)
        let second = try time("plan in sync") { try Self.plan(desired, host.state, host.firewall) }
        guard second.isInSync else { throw Trouble("not in sync: \(second.steps.prefix(3).map(\.summary))") }
        try planAgain(desired, host, behind: second)
        var other = desired
        for place in other.endpoints.indices { other.endpoints[place].mtu = 1400 }
        _ = try time("plan of a change of all") { try Self.plan(other, host.state, host.firewall) }
        var none = desired
        (none.networks, none.compartments, none.endpoints) = ([], [], [])
        _ = try time("plan that deletes all") { try Self.plan(none, host.state, host.firewall) }
        let ruled = try Self.resolve(Self.decode(Self.manifests(50) + Self.policy(size)))
        let rules = try time("compile policies") { Compiler.compile(ruled, HostFacts()) }
        guard rules.tables.contains(where: { $0.chains.contains { $0.rules.count >= size } }) else {
            throw Trouble("the policy was not compiled to \(size) rules")
        }
        let count = try time("encode and decode links") { try Self.links(size) }
        guard count == size else { throw Trouble("of \(size) links \(count) were read") }
    }

    /// As an apply does once it is done: of all cards one is otherwise than it was.
    private mutating func planAgain(_ desired: DesiredState, _ host: FastHost, behind plan: Plan) throws {
        let earlier = EarlierPlan(
            plan, desired: desired, observed: host.state, firewall: host.firewall, options: PlanOptions())
        var state = host.state
        state.host.links[state.host.links.count - 1].isUp = false
        let again = try time("plan again, one changed") {
            try Self.plan(desired, state, host.firewall, after: earlier)
        }
        guard again.steps.count == 1 else { throw Trouble("\(again.steps.prefix(3).map(\.summary))") }
    }

    /// Requests as `createVeth` writes them, read as the kernel's answers are.
    private static func links(_ count: Int) throws -> Int {
        var read = 0
        for number in 0..<count {
            let near = LinkRequest.VethEnd(name: "ep-\(number)", mac: nil, mtu: 1500)
            let far = LinkRequest.VethEnd(name: "eth0", mac: nil, mtu: 1500)
            let request = LinkRequest.createVeth(near: near, master: 7, far: far, farNamespace: 3)
            if try LinkMessage(decoding: request.body[...]).name == near.name { read += 1 }
        }
        return read
    }

    private static func plan(
        _ desired: DesiredState, _ state: ObservedState, _ firewall: Ruleset, after earlier: EarlierPlan? = nil
    ) throws -> Plan {
        do throws(Planner.Failure) {
            return try Planner.plan(
                desired: desired, observed: state, firewall: firewall, options: PlanOptions(), after: earlier)
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

    /// Rules that are asked for one after the other.
    private static func policy(_ count: Int) -> String {
        let rules = (0..<count).map {
            "{action: deny, from: [{cidr: \(100 + $0 / 65536).\($0 / 256 % 256).\($0 % 256).0/24}]}"
        }
        return "apiVersion: bulkhead.dev/v1alpha1\nkind: Policy\nmetadata: {name: many}\nspec: {appliesTo: "
            + "{networks: [n0]}, ingress: {default: deny, rules: [\(rules.joined(separator: ", "))]}}\n"
    }

    private static func decode(_ text: String) -> Decoder {
        var decoder = Decoder()
        decoder.decode(SourceText(name: "all.yaml", bytes: Array(text.utf8)))
        return decoder
    }

    private static func resolve(_ decoder: Decoder) throws -> DesiredState {
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
