import Foundation
import JSON
import TestSupport
import Testing

/// A container of an OCI runtime gets its network by what `show` says of an endpoint.
@Suite struct RuntimeTests {
    private static let manifest = """
        \(PolicyHost.web)
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: a}
        spec: {network: web, addresses: [10.88.0.10]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: b, labels: {app: b}}
        spec: {network: web, addresses: [10.88.0.11]}
        """

    /// `crun` is not happy with mixed control groups, so it sees new ones alone.
    private static let script = """
        mount -t cgroup2 none /sys/fs/cgroup
        mkdir -p /run/bundle/rootfs
        mount --bind / /run/bundle/rootfs
        cd /run/bundle
        crun spec
        python3 - "$1" <<'END'
        import json, sys
        with open("config.json") as file:
            config = json.load(file)
        config["process"]["terminal"] = False
        config["process"]["args"] = ["bash", "-c", "exec 3<> /dev/tcp/10.88.0.11/80 && cat <&3; ip -o -4 address show dev eth0"]
        spaces = [space for space in config["linux"]["namespaces"] if space["type"] != "network"]
        config["linux"]["namespaces"] = spaces + [json.loads(sys.argv[1])]
        with open("config.json", "w") as file:
            json.dump(config, file)
        END
        crun --cgroup-manager=disabled run bulkhead-test-$$
        """

    @Test(.enabled(if: getuid() == 0, "the runtime mounts file systems"))
    func aContainerTakesTheNamespace() throws {
        let host = try ScratchHost()
        try host.write("base.yaml", Self.manifest)
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
        let server = try host.start([
            "ip", "netns", "exec", "b", "python3", PolicyHost.probe, "serve-tcp", "10.88.0.11", "80",
        ])
        server.waitForOutput()
        defer { server.signal(SIGKILL) }
        let shown = try JSON(parsing: host.bulkhead("show", "endpoint/a", "--output", "json").output)
        let hints = try #require(shown["attach"])
        let path = try #require(hints["namespace"]?.string)
        #expect(hints["podman"] == ["--network", .string("ns:\(path)")])
        #expect(hints["systemd"]?.string == "NetworkNamespacePath=\(path)")
        #expect(hints["nspawn"] == [.string("--network-namespace-path=\(path)")])
        let space = try #require(hints["oci"])
        let container = try host.run(["bash", "-ec", Self.script, "bash", space.text()])
        #expect(container.status == 0, "\(container.errors)")
        #expect(
            container.output.hasPrefix("10.88.0.10") && container.output.contains("eth0    inet 10.88.0.10/24"),
            "\(container.output)")
        #expect(try host.bulkhead("drift", "manifests").status == 0)
    }
}
