internal import Firewall
internal import Manifest
internal import Model
internal import Planner
internal import Reconciler

/// What monitoring asks, in the text format of Prometheus, for node_exporter's textfile collector.
enum Metrics {
    static func read(_ global: GlobalOptions) throws -> String {
        let inventory = try Inventory.read(global)
        let scope = try global.scopeName()
        let folders = try global.folders()
        var text = MetricsText(scope: scope.text)
        text.add("bulkhead_info", "The version of bulkhead.", [([("version", Version.number)], 1)])
        objects(inventory, &text)
        drift(try agreement(global), &text)
        policies(inventory.policies, &text)
        let records = try History(folders).entries().compactMap(\.record).filter { $0.scope == scope }
        history(records, &text)
        rounds(RoundFolder(folders, scope: scope), &text)
        return text.text
    }

    private static func objects(_ inventory: Inventory, _ text: inout MetricsText) {
        let counts = [
            ("network", inventory.networks.map(\.health)), ("compartment", inventory.compartments.map(\.health)),
            ("endpoint", inventory.endpoints.map(\.health)),
        ]
        let policies: MetricsText.Sample = ([("kind", "policy")], Double(inventory.policies.count))
        text.add(
            "bulkhead_objects", "Objects that the scope owns in the kernel.",
            counts.map { ([("kind", $0.0)], Double($0.1.count)) } + [policies])
        text.add(
            "bulkhead_objects_unhealthy", "Objects of the scope that do not work.",
            counts.map { kind, health in ([("kind", kind)], Double(health.count { $0 != "ok" })) })
    }

    /// How the host stands to what was applied last.
    private enum Agreement {
        /// Nothing was.
        case none
        /// That cannot be planned: something stands against it.
        case incomparable
        /// What is to be done to bring the host back to it.
        case compared(Plan)
    }

    private static func agreement(_ global: GlobalOptions) throws -> Agreement {
        do {
            let sources = try InForce.manifests(global)
            guard !sources.isEmpty else { return .none }
            let prepared = try Preparation.attempt(sources, named: ["the history"], global)
            var options = try Comparison.unattendedOptions(global)
            options.adopts = Set(prepared.state.networks.map(\.id) + prepared.state.endpoints.map(\.id))
            return .compared(try Comparison.attempt(prepared.state, sources: sources, global, options).plan)
        } catch let rejected as Rejected {
            let reason = rejected.diagnostics.first { $0.severity == .error }?.headline ?? ""
            global.warn("what was applied last cannot be compared with the host: \(reason)")
            return .incomparable
        }
    }

    private static func drift(_ agreement: Agreement, _ text: inout MetricsText) {
        func add(_ isInSync: Bool) {
            text.add("bulkhead_in_sync", "Whether the host is as what was applied last.", [([], isInSync ? 1 : 0)])
        }
        let plan: Plan
        switch agreement {
        case .none: return
        case .incomparable: return add(false)
        case .compared(let found): plan = found
        }
        add(plan.isKnownInSync)
        let kinds = Dictionary(grouping: plan.steps, by: \.kind.rawValue).mapValues(\.count)
        // There from the beginning, so that an alert sees them rise from 0.
        let all = Step.Kind.allCases.map(\.rawValue).sorted()
        text.add(
            "bulkhead_drift", "Differences from what was applied last, by kind of object.",
            all.map { ([("kind", $0)], Double(kinds[$0] ?? 0)) })
    }

    private static func policies(_ policies: [PolicyReport], _ text: inout MetricsText) {
        var packets: [MetricsText.Sample] = []
        var bytes: [MetricsText.Sample] = []
        for policy in policies {
            for direction in TrafficDirection.allCases {
                let rules = policy.rules.filter { $0.direction == direction && !$0.verdict.isEmpty }
                for (verdict, group) in Dictionary(grouping: rules, by: \.verdict).sorted(by: { $0.key < $1.key }) {
                    let labels = [("policy", policy.name), ("direction", direction.rawValue), ("verdict", verdict)]
                    packets.append((labels, Double(group.reduce(0) { $0 + $1.packets })))
                    bytes.append((labels, Double(group.reduce(0) { $0 + $1.bytes })))
                }
            }
        }
        text.add(
            "bulkhead_policy_packets_total", "First packets of connections that a policy decided on.", packets, .counter
        )
        text.add("bulkhead_policy_bytes_total", "Bytes of these packets.", bytes, .counter)
    }

    private static func history(_ records: [HistoryRecord], _ text: inout MetricsText) {
        text.add(
            "bulkhead_history_records", "Records in the history, by result.",
            HistoryRecord.Result.allCases.map { result in
                ([("result", result.rawValue)], Double(records.count { $0.result == result }))
            })
        text.add(
            "bulkhead_history_rollbacks", "Rollbacks in the history.",
            [([], Double(records.count { $0.verb == .rollback }))])
        // What is at work now has no outcome yet.
        guard let last = records.last(where: { $0.result != .running }) else { return }
        text.add(
            "bulkhead_last_change_timestamp_seconds", "When the last change began.",
            Moment.seconds(last.started).map { [([], Double($0))] } ?? [])
        text.add(
            "bulkhead_last_change_success", "Whether the last change succeeded.",
            [([], last.result.isSuccess ? 1 : 0)])
        text.add(
            "bulkhead_last_change_duration_seconds", "How long the last change took.",
            [([], Double(last.milliseconds) / 1000)])
        guard let success = records.last(where: \.result.isSuccess) else { return }
        text.add(
            "bulkhead_last_success_timestamp_seconds", "When the last change that succeeded began.",
            Moment.seconds(success.started).map { [([], Double($0))] } ?? [])
        text.add(
            "bulkhead_revision_info", "The Git commit that was applied last.",
            success.revision.map { [([("revision", $0)], 1)] } ?? [])
    }

    private static func rounds(_ folder: RoundFolder, _ text: inout MetricsText) {
        let status = folder.status().status
        text.add(
            "bulkhead_reconcile_suspended", "Whether rounds are suspended.", [([], folder.suspension() == nil ? 0 : 1)])
        guard let last = status.last else { return }
        text.add(
            "bulkhead_reconcile_last_round_timestamp_seconds", "When the last round ended.", [([], Double(last.ended))])
        text.add(
            "bulkhead_reconcile_last_round_duration_seconds", "How long the last round took.",
            [([], Double(last.milliseconds) / 1000)])
        text.add(
            "bulkhead_reconcile_last_round_result", "How the last round ended.",
            RoundStatus.Result.allCases.map { ([("result", $0.rawValue)], $0 == last.result ? 1 : 0) })
        text.add(
            "bulkhead_reconcile_last_success_timestamp_seconds", "When the newest commit was in force last.",
            status.success.map { [([], Double($0.ended))] } ?? [])
        let commits = [("newest", last.commit), ("good", status.good?.commit), ("bad", status.bad?.commit)]
        text.add(
            "bulkhead_reconcile_commit_info", "Commits that the last round knew.",
            commits.compactMap { name, commit in commit.map { ([("which", name), ("commit", $0)], 1) } })
    }
}

/// Prometheus' text format, version 0.0.4.
struct MetricsText {
    typealias Sample = (labels: [(String, String)], value: Double)

    /// What kind of number it is.
    enum Kind: String {
        case gauge
        case counter
    }

    private(set) var text = ""
    private let scope: String

    init(scope: String) { self.scope = scope }

    /// A metric with its samples; nothing where it has none.
    mutating func add(_ name: String, _ help: String, _ samples: [Sample], _ kind: Kind = .gauge) {
        guard !samples.isEmpty else { return }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
        for sample in samples {
            let labels = ([("scope", scope)] + sample.labels).map { "\($0.0)=\"\(Self.escaped($0.1))\"" }
            text += "\(name){\(labels.joined(separator: ","))} \(Self.number(sample.value))\n"
        }
    }

    private static func number(_ value: Double) -> String {
        Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    private static func escaped(_ value: String) -> String {
        String(value.flatMap { $0 == "\\" ? "\\\\" : $0 == "\"" ? "\\\"" : $0 == "\n" ? "\\n" : "\($0)" })
    }
}
