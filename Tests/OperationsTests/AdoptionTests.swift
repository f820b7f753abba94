import Foundation
import TestSupport
import Testing

/// `show` and `exec` of compartments whose namespace is somebody else's.
@Suite struct AdoptionTests {
    private static func adoption(_ path: String) -> String {
        """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Compartment
        metadata: {name: pod}
        spec: {namespace: {path: \(path)}}

        """
    }

    /// A host with one endpoint in the namespace at the path, and one in a namespace of its own.
    private func site(_ path: String) throws -> ScratchHost {
        let host = try ScratchHost()
        try host.sh("ip netns add other; ip netns add strange")
        // Bound elsewhere alone, so that nothing in the netns folder leads to it.
        if path != "/run/netns/other" {
            try host.sh("touch \(path); mount --bind /run/netns/other \(path); ip netns del other")
        }
        try host.declare(
            Documents.network, Self.adoption(path),
            Documents.endpoint("a", ", compartment: pod, addresses: [10.88.0.10]"),
            Documents.endpoint("b"))
        let result = try host.bulkhead("apply", "--yes", "manifests")
        try #require(result.status == 0, "\(result.errors)")
        return host
    }

    private func endpoint(_ host: ScratchHost) throws -> [String: Any] {
        let all = try #require(try host.json("show")["endpoints"] as? [[String: Any]])
        return try #require(all.first { $0["name"] as? String == "a" })
    }

    @Test(arguments: ["/run/netns/other", "/run/elsewhere"])
    func itIsShownAndEntered(_ path: String) throws {
        let host = try site(path)
        let show = try host.json("show")
        let compartments = try #require(show["compartments"] as? [[String: Any]])
        #expect(compartments.compactMap { $0["name"] as? String } == ["b", "pod"])
        #expect(compartments.last?["path"] as? String == path)
        #expect(compartments.last?["endpoints"] as? [String] == ["a"])
        #expect(compartments.last?["health"] as? String == "ok")
        let a = try endpoint(host)
        #expect(a["compartment"] as? String == "pod")
        #expect(a["interface"] as? String == "eth0")
        #expect(a["addresses"] as? [String] == ["10.88.0.10/24"])
        #expect(a["health"] as? String == "ok")
        #expect((a["attach"] as? [String: Any])?["namespace"] as? String == path)
        let unhealthy = #"bulkhead_objects_unhealthy{scope="default",kind="endpoint"} 0"#
        #expect(try host.bulkhead("show", "--output", "prometheus").output.contains(unhealthy))
        for place in ["pod", "compartment/pod", "endpoint/a"] {
            let result = try host.bulkhead("exec", place, "--", "ip", "-brief", "address", "show", "dev", "eth0")
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.contains("10.88.0.10/24"))
        }
        let refused = try host.bulkhead("exec", "strange", "--", "true")
        #expect(refused.status == 125)
        #expect(
            refused.errors == "bulkhead: no compartment 'strange' in scope default; there are b, pod\n")
    }

    /// Cards say where they end even if nobody remembers why.
    @Test func withoutAHistoryThePathStandsForTheName() throws {
        let host = try site("/run/netns/other")
        try FileManager.default.removeItem(at: host.folder.appendingPathComponent("state/history"))
        let a = try endpoint(host)
        #expect(a["compartment"] as? String == "/run/netns/other")
        #expect(a["health"] as? String == "ok")
        let result = try host.bulkhead("exec", "endpoint/a", "--", "ip", "-brief", "address", "show", "dev", "eth0")
        #expect(result.output.contains("10.88.0.10/24"), "\(result.errors)")
        let elsewhere = try site("/run/elsewhere")
        try FileManager.default.removeItem(at: elsewhere.folder.appendingPathComponent("state/history"))
        #expect(try endpoint(elsewhere)["health"] as? String == "its card is in no known namespace")
        let refused = try elsewhere.bulkhead("exec", "endpoint/a", "--", "true")
        #expect(refused.status == 125)
        let reason =
            "the compartment of endpoint 'a' is in no namespace that the netns folder or the manifests in force name"
        #expect(refused.errors == "bulkhead: \(reason)\n")
    }

    @Test func afterADestroyOnlyWhatIsLeftIsShown() throws {
        let host = try site("/run/elsewhere")
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        #expect((try host.json("show")["compartments"] as? [Any])?.count == 0)
        // The namespace may go before the next look.
        try host.declare(Documents.network, Self.adoption("/run/elsewhere"))
        #expect(try host.bulkhead("apply", "--yes", "manifests").status == 0)
        #expect((try host.json("show")["compartments"] as? [Any])?.count == 1)
        try host.sh("umount /run/elsewhere")
        #expect((try host.json("show")["compartments"] as? [Any])?.count == 0)
    }
}
