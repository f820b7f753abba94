import Foundation
import TestSupport
import Testing

/// `show --output prometheus`.
@Suite struct MetricsTests {
    /// Samples by `name{labels}`, after everything was checked that the text format asks for.
    private func metrics(_ host: ScratchHost, _ options: String...) throws -> [String: Double] {
        let result = try host.run([ScratchHost.binary, "show", "--output", "prometheus"] + options)
        try #require(result.status == 0, "\(result.errors)")
        var samples: [String: Double] = [:]
        var types: [String: String] = [:]
        var current = ""
        for line in result.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if let help = line.wholeMatch(of: #/# HELP ([a-z_]+) [^\\]+\./#) {
                current = String(help.1)
                #expect(types[current] == nil, "\(current) comes twice")
            } else if let type = line.wholeMatch(of: #/# TYPE ([a-z_]+) (gauge|counter)/#) {
                #expect(type.1 == current)
                types[current] = String(type.2)
                #expect((type.2 == "counter") == current.hasSuffix("_total"))
            } else {
                let label = #/[a-z]+="(?:[^"\\]|\\[\\n"])*"/#
                let sample = try #require(
                    line.wholeMatch(of: /(?<name>[a-z_]+)(?<labels>\{.*\}) (?<value>[-+.e0-9]+)/), "\(line)")
                #expect(String(sample.name) == current)
                let labels = sample.labels.dropFirst().dropLast().matches(of: label).map { String($0.0) }
                #expect("{\(labels.joined(separator: ","))}" == sample.labels, "\(line)")
                let value: Double? = Double(String(sample.value))
                #expect(value != nil, "\(line)")
                samples["\(sample.name)\(sample.labels)"] = value
            }
        }
        try check(result.output, host)
        return samples
    }

    /// Where `make test` puts it (`Tests/promtool`), or where it is installed.
    private static let promtool = [
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../.build/promtool")
            .standardizedFileURL.path, "/usr/bin/promtool", "/usr/local/bin/promtool",
    ].first(where: FileManager.default.fileExists)

    /// A test of its own says where it is not there.
    private func check(_ text: String, _ host: ScratchHost) throws {
        guard let tool = Self.promtool else { return }
        let result = try host.run([tool, "check", "metrics"], input: text)
        #expect(result.status == 0, "\(result.output)\(result.errors)")
    }

    @Test(
        .enabled(
            if: promtool != nil,
            "promtool is not there (Tests/promtool fetches it): the text is checked by these tests alone"))
    func prometheusTakesIt() throws {
        let host = try ScratchHost()
        try host.declare(
            Documents.network, Documents.endpoint("a"), Documents.endpoint("b"),
            Documents.policy("b", from: "a", port: 80))
        #expect(try host.bulkhead("apply", "--yes", "manifests").status == 0)
        #expect(try metrics(host).count > 20)
        let tool = try #require(Self.promtool)
        #expect(try host.run([tool, "check", "metrics"], input: "wrong{\n").status != 0)
    }

    @Test func whatThereIsAndHowItDiffers() throws {
        let host = try ScratchHost()
        let none = try metrics(host)
        #expect(none[#"bulkhead_objects{scope="default",kind="network"}"#] == 0)
        #expect(none[#"bulkhead_in_sync{scope="default"}"#] == nil)
        try host.declare(
            Documents.network, Documents.endpoint("a"), Documents.endpoint("b"),
            Documents.policy("b", from: "a", port: 80))
        #expect(try host.bulkhead("apply", "--yes", "manifests").status == 0)
        let start = Date().timeIntervalSince1970
        let first = try metrics(host)
        #expect(first[#"bulkhead_in_sync{scope="default"}"#] == 1)
        #expect(first[#"bulkhead_objects{scope="default",kind="network"}"#] == 1)
        #expect(first[#"bulkhead_objects{scope="default",kind="endpoint"}"#] == 2)
        #expect(first[#"bulkhead_objects{scope="default",kind="policy"}"#] == 1)
        #expect(first[#"bulkhead_objects_unhealthy{scope="default",kind="endpoint"}"#] == 0)
        #expect(first[#"bulkhead_drift{scope="default",kind="address"}"#] == 0)
        #expect(first[#"bulkhead_last_change_success{scope="default"}"#] == 1)
        let time = try #require(first[#"bulkhead_last_success_timestamp_seconds{scope="default"}"#])
        #expect(abs(time - start) < 3600)
        #expect(
            first[#"bulkhead_policy_packets_total{scope="default",policy="guard",direction="ingress",verdict="deny"}"#]
                == 0)

        try host.sh("ip address del 10.88.0.1/24 dev bh-web; ip -n a link set eth0 down")
        #expect(try host.run(["ip", "netns", "exec", "b", "ping", "-c1", "-W1", "-q", "10.88.0.99"]).status != 0)
        let second = try metrics(host)
        #expect(second[#"bulkhead_in_sync{scope="default"}"#] == 0)
        #expect(second[#"bulkhead_drift{scope="default",kind="address"}"#] == 1)
        #expect(second[#"bulkhead_objects_unhealthy{scope="default",kind="endpoint"}"#] == 1)
    }

    @Test func dropsAreCountedByPolicy() throws {
        let host = try ScratchHost()
        try host.declare(
            Documents.network, Documents.endpoint("a", ", addresses: [10.88.0.10]"),
            Documents.endpoint("b", ", addresses: [10.88.0.11]"), Documents.policy("b", from: "a", port: 80))
        #expect(try host.bulkhead("apply", "--yes", "manifests").status == 0)
        #expect(
            try host.run(["ip", "netns", "exec", "a", "ping", "-c2", "-i0.2", "-W1", "-q", "10.88.0.11"]).status != 0)
        let found = try metrics(host)
        let denied =
            #"bulkhead_policy_packets_total{scope="default",policy="guard",direction="ingress",verdict="deny"}"#
        #expect(found[denied] == 2, "\(found)")
    }

    @Test func changesThatFailedAreSeen() throws {
        let host = try ScratchHost()
        try host.declare(Documents.network)
        #expect(try host.bulkhead("apply", "--yes", "manifests").status == 0)
        try host.declare(Documents.network, Documents.endpoint("a"))
        #expect(
            try host.bulkhead("apply", "--yes", "manifests", environment: ["BULKHEAD_FAULT": "refuse:2"]).status == 1)
        let failed = try metrics(host)
        #expect(failed[#"bulkhead_last_change_success{scope="default"}"#] == 0)
        #expect(failed[#"bulkhead_history_records{scope="default",result="undone"}"#] == 1)
        #expect(failed[#"bulkhead_in_sync{scope="default"}"#] == 1)
        #expect(try host.bulkhead("rollback", "1", "--yes").status == 0)
        #expect(try metrics(host)[#"bulkhead_history_rollbacks{scope="default"}"#] != nil)
        let other = try metrics(host, "--scope", "other")
        #expect(other[#"bulkhead_objects{scope="other",kind="network"}"#] == 0)
        #expect(other.keys.allSatisfy { $0.contains(#"scope="other""#) })
    }

    @Test func roundsAreSeen() throws {
        let host = try ScratchHost()
        try host.declare(Documents.network)
        try host.sh(
            """
            git init -q -b main . ; git add manifests
            git -c user.name=a -c user.email=a@example.test commit -qm one
            """)
        func round() throws -> Int32 { try host.bulkhead("reconcile", "--repo", ".", "--path", "manifests").status }
        #expect(try round() == 0)
        let good = try host.sh("git rev-parse HEAD").trimmingCharacters(in: .newlines)
        let first = try metrics(host)
        #expect(first[#"bulkhead_reconcile_last_round_result{scope="default",result="applied"}"#] == 1)
        #expect(first[#"bulkhead_reconcile_suspended{scope="default"}"#] == 0)
        #expect(first[#"bulkhead_reconcile_commit_info{scope="default",which="good",commit="\#(good)"}"#] == 1)
        #expect(first[#"bulkhead_revision_info{scope="default",revision="\#(good)"}"#] == 1)
        #expect((first[#"bulkhead_reconcile_last_round_duration_seconds{scope="default"}"#] ?? 0) > 0)
        try host.declare("kind: Nonsense\n")
        try host.sh("git -c user.name=a -c user.email=a@example.test commit -qam two")
        #expect(try round() == 1)
        #expect(try host.bulkhead("suspend").status == 0)
        let second = try metrics(host)
        #expect(second[#"bulkhead_reconcile_last_round_result{scope="default",result="bad"}"#] == 1)
        #expect(second[#"bulkhead_reconcile_last_round_result{scope="default",result="applied"}"#] == 0)
        #expect(second[#"bulkhead_reconcile_suspended{scope="default"}"#] == 1)
        #expect(second[#"bulkhead_reconcile_commit_info{scope="default",which="good",commit="\#(good)"}"#] == 1)
        #expect(second.keys.contains { $0.contains(#"which="bad""#) })
        #expect(
            second[#"bulkhead_reconcile_last_success_timestamp_seconds{scope="default"}"#]
                == first[#"bulkhead_reconcile_last_success_timestamp_seconds{scope="default"}"#])
    }

    @Test func itIsForAllOfTheScope() throws {
        let host = try ScratchHost()
        let one = try host.bulkhead("show", "network/web", "--output", "prometheus")
        #expect(one.status == 64)
        #expect(one.errors == "bulkhead: --output prometheus shows all; leave out KIND\n")
    }
}
