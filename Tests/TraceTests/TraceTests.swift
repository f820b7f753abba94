import Foundation
import TestSupport
import Testing

/// `bulkhead trace` word by word: every file of `Fixtures/trace` is a command line, what it prints, and its status.
@Suite struct TraceTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let cases: [String] = {
        let folder = root.appendingPathComponent("Tests/Fixtures/trace").path
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }()

    @Test func thereAreCases() { #expect(Self.cases.count >= 26) }

    @Test(arguments: cases) func prints(name: String) throws {
        let file = Self.root.appendingPathComponent("Tests/Fixtures/trace/\(name)")
        let wanted = try String(contentsOf: file, encoding: .utf8)
        let line = try #require(wanted.split(separator: "\n").first)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: ScratchHost.binary)
        process.arguments = line.split(separator: " ").dropFirst(2).map(String.init)
        process.currentDirectoryURL = Self.root
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect("\(line)\n\(text)status \(process.terminationStatus)\n" == wanted)
    }

    private static let lan = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: lan}
        spec: {type: transparent, uplink: {interface: eth1}, isolation: {hostAccess: deny}, subnets: [{prefix: 10.69.0.0/24}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, isolation: {hostAccess: deny}, subnets: [{prefix: 10.60.0.0/24}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: a, labels: {app: a}}
        spec: {network: lan, addresses: [10.69.0.10]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: v}
        spec: {network: web, addresses: [10.60.0.10], portMappings: [{hostPort: 8080, port: 80}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Policy
        metadata: {name: p}
        spec: {appliesTo: {endpoints: {matchLabels: {app: a}}}, ingress: {default: deny, rules: [{action: allow, from: [{cidr: 10.69.0.0/24}]}]}}
        ---

        """

    private static let fleet = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Host
        metadata: {name: node-a}
        spec: {underlay: {address: 192.0.2.1}}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Host
        metadata: {name: node-b}
        spec: {underlay: {address: 192.0.2.2}}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: overlay, vxlan: {vni: 7}, subnets: [{prefix: 10.88.0.0/24}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: near, labels: {app: near}}
        spec: {network: web, addresses: [10.88.0.2], host: node-a}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: far, labels: {app: far}}
        spec: {network: web, addresses: [10.88.0.3], host: node-b}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Policy
        metadata: {name: guard}
        spec:
          appliesTo: {endpoints: {matchLabels: {app: far}}}
          ingress:
            default: deny
            rules:
              - name: in
                action: allow
                from: [{endpoints: {matchLabels: {app: near}}}]
                protocols: [{protocol: tcp, ports: [80]}]

        """

    /// What another host asks of its endpoint is known here by port, too.
    @Test(arguments: ["node-a", "node-b"]) func everyHostSaysTheSame(_ name: String) throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Self.fleet)
        func trace(_ arguments: String...) throws -> String {
            try host.run([ScratchHost.binary, "trace"] + arguments + ["--host", name, "manifests"]).output
        }
        #expect(
            try trace("near", "far", "--port", "80") == """
                near (10.88.0.2) → far (10.88.0.3), tcp 80: allowed
                  egress of near: allowed, nothing denies it
                  ingress of far: allowed by rule guard/in (manifests/all.yaml:34)

                """)
        #expect(
            try trace("near", "far", "--port", "81").hasPrefix("near (10.88.0.2) → far (10.88.0.3), tcp 81: denied\n"))
        #expect(try trace("near", "far").contains("  80: allowed\n"))
    }

    /// The host's own addresses on a physical network are in no manifest. On the host itself they are known; elsewhere
    /// one of the prefix stands for them, as a `cidr` of the LAN is about them, too.
    @Test func knowsTheHostsAddressesOnItsLAN() throws {
        let site = try Neighbourhood(.uplink, ScratchHost())
        func trace(_ arguments: String...) throws -> String {
            let result = try site.host.run([ScratchHost.binary, "trace"] + arguments + ["manifests"])
            return "\(result.output)\(result.errors)status \(result.status)\n"
        }
        try site.host.write("all.yaml", Self.lan)
        #expect(
            try trace("host", "a", "--port", "22") == """
                host (10.69.0.254) → a (10.69.0.10), tcp 22: allowed
                  ingress of a: allowed by rule p/ingress-1 (manifests/all.yaml:24)
                status 0

                """)
        #expect(
            try trace("a", "10.69.0.2", "--port", "22") == """
                a (10.69.0.10) → world (10.69.0.2), tcp 22: allowed
                  egress of a: allowed, nothing denies it
                status 0

                """)
        try site.apply(Self.lan)
        #expect(
            try trace("host", "a", "--port", "22") == """
                host (10.69.0.2) → a (10.69.0.10), tcp 22: allowed
                  ingress of a: allowed by rule p/ingress-1 (manifests/all.yaml:24)
                status 0

                """)
        #expect(
            try trace("a", "10.69.0.2", "--port", "22") == """
                a (10.69.0.10) → host (10.69.0.2), tcp 22: denied
                  egress of a: denied by the isolation of Network/lan (manifests/all.yaml:3)
                status 2

                """)
        #expect(
            try trace("v", "10.69.0.2", "--port", "22") == """
                v (10.60.0.10) → host (10.69.0.2), tcp 22: denied
                  egress of v: denied by the isolation of Network/web (manifests/all.yaml:8)
                status 2

                """)
        #expect(
            try trace("10.69.0.200", "10.69.0.2", "--port", "8080") == """
                world (10.69.0.200) → host (10.69.0.2), tcp 8080: allowed
                  published: tcp 8080 to 80 of Endpoint/v (manifests/all.yaml:19)
                  ingress of v: allowed, nothing denies it
                status 0

                """)
        // Another Host's share is looked at from here: what this machine is called by says nothing of that.
        #expect(try trace("a", "10.69.0.2", "--port", "22", "--host", "elsewhere").hasPrefix("a (10.69.0.10) → world"))
    }
}
