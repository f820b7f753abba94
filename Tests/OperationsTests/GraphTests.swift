import Foundation
import TestSupport
import Testing

/// `graph`: what is drawn, in all three languages.
@Suite struct GraphTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("graph-\(UUID().uuidString)")

    private func graph(_ format: String, _ text: String) throws -> String {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try text.write(to: folder.appendingPathComponent("all.yaml"), atomically: true, encoding: .utf8)
        let result = try Elsewhere.bulkhead(["graph", "all.yaml", "--format", format, "--host", "node-a"], in: folder)
        try #require(result.status == 0, "\(result.errors)")
        return result.output
    }

    private static let three =
        Documents.network + Documents.endpoint("lb", ", portMappings: [{hostPort: 8080, port: 80}]")
        + Documents.endpoint("web-1") + Documents.endpoint("web-2")
        + Documents.policy("web-1", from: "lb", port: 80)
        + Documents.policy("web-2", from: "lb", port: 80).replacing("name: guard", with: "name: other")

    @Test func endpointsThatMayDoTheSameAreOneGroup() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let text = try graph("mermaid", Self.three)
        #expect(
            text.hasPrefix("flowchart LR\n  %% host node-a, scope default\n  subgraph n0[\"web<br/>nat, bridge bh-web"))
        #expect(text.contains("  g0 -->|\"tcp 80\"| g1\n"), "\(text)")
        #expect(text.contains("  g1 -->|\"all\"| g0\n"), "\(text)")
        #expect(text.matches(of: /-->/).count == 2)
        #expect(
            text.contains(
                "subgraph g1[\"among themselves: nothing<br/>to world: all<br/>to host: all<br/>from world: nothing"))
        #expect(text.contains("g1m1[\"web-2<br/>10.88.0."))
        #expect(text.contains("<br/>⇠ tcp 8080 → 80, open to world\"]"))
        #expect(text.contains("from world: published ports<br/>from host: all"), "\(text)")
    }

    /// An overlay's members on other hosts, and who of here may reach them.
    @Test func whatIsOnOtherHostsIsDrawn() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let hosts = ["node-a": "192.0.2.1", "node-b": "192.0.2.2"].sorted { $0.key < $1.key }.map { name, address in
            """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Host
            metadata: {name: \(name)}
            spec: {underlay: {address: \(address)}}

            """
        }
        let overlay = """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: web}
            spec: {type: overlay, vxlan: {vni: 7}, subnets: [{prefix: 10.88.0.0/24}]}

            """
        func endpoint(_ name: String, _ address: String, on host: String) -> String {
            """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Endpoint
            metadata: {name: \(name), labels: {app: \(name)}}
            spec: {network: web, addresses: [\(address)], host: \(host)}

            """
        }
        let text = try graph(
            "mermaid",
            hosts.joined() + overlay + endpoint("near", "10.88.0.2", on: "node-a")
                + endpoint("far", "10.88.0.3", on: "node-b") + Documents.policy("far", from: "near", port: 80))
        #expect(text.contains("[\"far<br/>10.88.0.3<br/>on node-b\"]"), "\(text)")
        #expect(text.matches(of: /-->\|"tcp 80"\|/).count == 1, "\(text)")
        let many = (1...145).map { endpoint("far-\($0)", "10.88.0.\($0 + 10)", on: "node-b") }.joined()
        let whole = try graph("mermaid", hosts.joined() + overlay + endpoint("near", "10.88.0.2", on: "node-a") + many)
        #expect(
            whole.contains(
                "%% web has 145 endpoints on node-b as well; `--host node-b` draws that host, and `bulkhead trace` says who may reach "
                    + "whom\n"), "\(whole)")
    }

    /// As people count.
    @Test func namesWithNumbersComeInTheirOrder() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let names = ["db", "db-1", "db-01", "db-2", "db-2b", "db-9-a", "db-10", "db-0010", "db-111", "web"]
        let text = try graph(
            "mermaid", Documents.network + names.reversed().map { Documents.endpoint($0) }.joined())
        let drawn = text.matches(of: /\["([a-z0-9-]+)<br\/>10\.88/).map { String($0.1) }
        #expect(drawn == ["db", "db-01", "db-1", "db-2", "db-2b", "db-9-a", "db-0010", "db-10", "db-111", "web"])
    }

    /// A port is open, in part, to the host alone, or to nobody, and the picture says which.
    @Test func publishedPortsSayForWhom() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let mappings = """
            , portMappings: [{hostPort: 8080, port: 80}, {hostPort: 9000-9002, port: 90-92}, {hostPort: 7000, port: 70},
            {hostPort: 6000, port: 80, hostAddress: 127.0.0.1}]
            """
        let text = try graph(
            "mermaid",
            Documents.network + Documents.endpoint("lb", mappings) + """
                ---
                apiVersion: bulkhead.dev/v1alpha1
                kind: Policy
                metadata: {name: p}
                spec:
                  appliesTo: {endpoints: {}}
                  ingress: {default: deny, rules: [{action: allow, protocols: [{protocol: tcp, ports: [80, 91]}]}]}

                """)
        #expect(
            text.contains(
                "<br/>⇠ tcp 7000 → 70, closed to world<br/>⇠ tcp 8080 → 80, open to world"
                    + "<br/>⇠ tcp 9000-9002 → 90-92, open to world: 9001<br/>⇠ 127.0.0.1 tcp 6000 → 80, open to host\"]"
            ),
            "\(text)")
    }

    /// What is allowed is legible also beside names of the greatest length.
    @Test func longNamesDoNotHideThePorts() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let names = ["a", "b"].map { String(repeating: $0, count: 40) }
        let svg = try graph(
            "svg",
            Documents.network + names.map { Documents.endpoint($0) }.joined()
                + Documents.policy(names[0], from: names[1], port: 65432))
        #expect(svg.contains(">\(String(repeating: "b", count: 32))…: tcp 65432</text>"), "\(svg)")
    }

    @Test func withoutPoliciesOneRemarkTakesThePlaceOfAllPaths() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let text = try graph("dot", Documents.network + Documents.endpoint("a") + Documents.endpoint("b"))
        #expect(text.contains("\\nevery endpoint may reach every other one of it\";"), "\(text)")
        #expect(!text.contains("->"))
        #expect(text.contains("g0m0 [label=\"a\\n10.88.0."))
    }

    @Test func whatIsDrawnIsWhatTraceSays() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let text = try graph("mermaid", Self.three)
        for (from, to, port, status) in [
            ("lb", "web-1", "80", Int32(0)), ("lb", "web-2", "81", 2), ("web-1", "web-2", "80", 2),
            ("web-2", "lb", "1", 0),
        ] {
            let trace = try Elsewhere.bulkhead(
                ["trace", from, to, "--port", port, "all.yaml", "--host", "node-a"], in: folder)
            #expect(trace.status == status, "\(from) \(to) \(port): \(text)")
        }
    }

    /// Fifty endpoints: every name is there once, nothing lies over anything else, and it is XML.
    @Test func fiftyEndpointsAreLegible() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let names = (1...50).map { "endpoint-\($0)" }
        let svg = try graph(
            "svg",
            Documents.network + names.map { Documents.endpoint($0) }.joined()
                + Documents.policy("endpoint-7", from: "endpoint-9", port: 443))
        for name in names { #expect(svg.matches(of: try Regex(">\(name)</text>")).count == 1, "\(name)") }
        let check = Process()
        check.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        check.arguments = [
            "python3", "-c", "import sys, xml.dom.minidom; xml.dom.minidom.parseString(sys.stdin.buffer.read())",
        ]
        let input = Pipe()
        check.standardInput = input
        try check.run()
        try input.fileHandleForWriting.write(contentsOf: Data(svg.utf8))
        try input.fileHandleForWriting.close()
        check.waitUntilExit()
        #expect(check.terminationStatus == 0)
        let cells = cells(svg)
        #expect(cells.count == 50)
        for (place, one) in cells.enumerated() {
            for other in cells[(place + 1)...] { #expect(!one.overlaps(other), "\(one) \(other)") }
        }
        // Every text ends inside its picture.
        let width = try #require(svg.firstMatch(of: #/<svg [^>]*width="([\d.]+)"/#).flatMap { Double(String($0.1)) })
        for match in svg.matches(of: #/<text x="([\d.]+)" y="[\d.]+" font-size="([\d.]+)"[^>]*>([^<]*)</#) {
            let (x, size) = (Double(String(match.1)) ?? 0, Double(String(match.2)) ?? 0)
            let end: Double = x + Double(match.3.count) * size * 0.6
            #expect(end < width, "\(match.3)")
        }
    }

    private struct Cell {
        var x: Double
        var y: Double
        var width: Double
        var height: Double

        func overlaps(_ other: Cell) -> Bool {
            let isBeside = x >= other.x + other.width || other.x >= x + width
            let isBelow = y >= other.y + other.height || other.y >= y + height
            return !isBeside && !isBelow
        }
    }

    /// Boxes of endpoints.
    private func cells(_ svg: String) -> [Cell] {
        let pattern = #/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" rx="4" fill="#eef4ff"/#
        var result: [Cell] = []
        for match in svg.matches(of: pattern) {
            guard let x = Double(String(match.1)), let y = Double(String(match.2)), let width = Double(String(match.3)),
                let height = Double(String(match.4))
            else { continue }
            result.append(Cell(x: x, y: y, width: width, height: height))
        }
        return result
    }

    @Test func tooManyForPathsIsSaid() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let many = (1...142).map { Documents.endpoint("e-\($0)") }.joined()
        let text = try graph("mermaid", Documents.network + many)
        #expect(
            text.hasSuffix("  %% 142 endpoints are too many for drawing who may reach whom; `bulkhead trace` says it\n")
        )
        #expect(text.matches(of: /g0m\d+\["e-/).count == 142)
    }

    @Test func itIsTheSameEveryTime() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        for format in ["svg", "dot", "mermaid"] {
            #expect(try graph(format, Self.three) == graph(format, Self.three))
        }
        let wrong = try Elsewhere.bulkhead(["graph", "all.yaml", "--output", "json"], in: folder)
        #expect(wrong.status == 64)
        #expect(wrong.errors == "bulkhead: `bulkhead graph` writes its results as text, not as json\n")
    }
}
