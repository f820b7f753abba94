import Foundation
import JSON
import TestSupport
import Testing

/// `device: tap`: the card of a virtual machine. A guest of a network stack of its own opens it (`guest.py`).
@Suite(
    .enabled(
        if: FileHandle(forUpdatingAtPath: "/dev/net/tun") != nil, "this kernel has no taps, or not for this user"))
struct TapTests {
    private static let mac = "02:00:00:00:00:01"

    private static func manifest(_ vm: String, _ others: String = "") -> String {
        """
        \(PolicyHost.web)
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: vm, labels: {app: vm}}
        spec: {network: web, mac: "\(mac)", addresses: [10.88.0.10, "fd00:88::10"]\(vm)}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: b}
        spec: {network: web, addresses: [10.88.0.11, "fd00:88::11"]}
        \(others)
        """
    }

    private func host(_ vm: String = ", device: tap", _ others: String = "") throws -> ScratchHost {
        let host = try ScratchHost()
        try apply(host, vm, others)
        return host
    }

    private func apply(_ host: ScratchHost, _ vm: String, _ others: String = "") throws {
        try host.write("base.yaml", Self.manifest(vm, others))
        let result = try host.bulkhead("apply", "manifests", "--yes")
        try #require(result.status == 0, "\(result.output)\(result.errors)")
        let plan = try host.bulkhead("plan", "manifests", "--detailed-exitcode")
        #expect(plan.status == 0, "\(plan.output)")
    }

    /// A machine that has the card open, with a stack of its own in the namespace `guest`.
    private func guest(_ host: ScratchHost, _ options: String...) throws -> RunningProcess {
        let tool = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Tools/guest.py")
        let guest = try host.start(
            [
                "python3", tool.path, "ep-vm", "guest", Self.mac, "10.88.0.10/24", "fd00:88::10/64", "--gateway",
                "10.88.0.1", "--gateway", "fd00:88::1",
            ] + options)
        guest.waitForOutput()
        // The switch learns by a thread of the kernel that its port has a carrier.
        try host.sh("until bridge link show dev ep-vm | grep -q 'state forwarding'; do sleep 0.05; done")
        return guest
    }

    private func ping(_ host: ScratchHost, _ from: String, _ address: String) throws -> Bool {
        try host.ping(address, from: from == "host" ? nil : from)
    }

    /// Three are sent: what the guest's program has not passed on in time is no proof.
    private func pingsNothing(_ host: ScratchHost, _ from: String, _ address: String, _ options: String...) throws
        -> Bool
    {
        try host.run(["ip", "netns", "exec", from, "ping", "-c3", "-i0.3", "-W1"] + options + [address]).status != 0
    }

    @Test func aGuestIsAnEndpointLikeAnother() throws {
        let host = try host(", device: tap, portMappings: [{hostPort: 8080, port: 80}]")
        let guest = try guest(host)
        defer { guest.signal(SIGKILL) }
        // What the hypervisor does is no drift.
        #expect(try host.bulkhead("drift", "manifests").status == 0)
        for address in ["10.88.0.11", "fd00:88::11", "10.88.0.1", "fd00:88::1"] {
            #expect(try ping(host, "guest", address), "\(address)")
        }
        for address in ["10.88.0.10", "fd00:88::10"] {
            #expect(try ping(host, "b", address) && ping(host, "host", address), "\(address)")
        }
        let server = try host.start([
            "ip", "netns", "exec", "guest", "python3", PolicyHost.probe, "serve-tcp", "0.0.0.0", "80",
        ])
        server.waitForOutput()
        defer { server.signal(SIGKILL) }
        let client = ["python3", PolicyHost.probe, "tcp", "10.88.0.1", "8080", "60"]
        let answer = try host.run(["ip", "netns", "exec", "b"] + client).output
        #expect(answer.hasPrefix("10.88.0."), "\(answer)")
        // Nothing of the endpoint is on the host's own stack.
        #expect(try host.sh("ip -o addr show dev ep-vm") == "")
        #expect(try !host.sh("ip -o addr show; ip route show table all").contains("10.88.0.10"))
        #expect(try host.sh("ip -d link show ep-vm").contains("addrgenmode none"))
    }

    /// Addresses and MACs of others are not let out.
    @Test func aGuestCannotPretend() throws {
        let host = try host()
        let guest = try guest(host)
        defer { guest.signal(SIGKILL) }
        #expect(try ping(host, "guest", "10.88.0.11"))
        try host.sh("ip -n guest addr add 10.88.0.99/24 dev eth0; ip -n guest addr add fd00:88::99/64 dev eth0 nodad")
        #expect(try pingsNothing(host, "guest", "10.88.0.11", "-I", "10.88.0.99"))
        #expect(try pingsNothing(host, "guest", "fd00:88::11", "-I", "fd00:88::99"))
        try host.sh("ip -n guest link set eth0 address 02:00:00:00:00:99")
        #expect(try pingsNothing(host, "guest", "10.88.0.11"))
        try host.sh("ip -n guest link set eth0 address \(Self.mac)")
        #expect(try ping(host, "guest", "10.88.0.11"))
    }

    @Test func policiesHold() throws {
        let policy = """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Policy
            metadata: {name: vm}
            spec:
              appliesTo: {endpoints: {matchLabels: {app: vm}}}
              ingress: {default: deny, rules: [{action: allow, protocols: [{protocol: tcp, ports: [80]}]}]}
              egress: {default: allow, rules: [{action: deny, to: [{cidr: 10.88.0.1/32}]}]}
            """
        let host = try host(", device: tap", policy)
        let guest = try guest(host)
        defer { guest.signal(SIGKILL) }
        #expect(try ping(host, "guest", "10.88.0.11"))
        #expect(try pingsNothing(host, "guest", "10.88.0.1"))
        #expect(try pingsNothing(host, "b", "10.88.0.10") && pingsNothing(host, "b", "fd00:88::10"))
        let server = try host.start([
            "ip", "netns", "exec", "guest", "python3", PolicyHost.probe, "serve-tcp", "0.0.0.0", "80",
        ])
        server.waitForOutput()
        defer { server.signal(SIGKILL) }
        let answer = try host.run([
            "ip", "netns", "exec", "b", "python3", PolicyHost.probe, "tcp", "10.88.0.10", "80", "60",
        ]).output
        #expect(answer.hasPrefix("10.88.0.11"), "\(answer)")
        // Questions that nobody can try are not passed over in silence.
        let verify = try host.bulkhead("verify", "manifests")
        #expect(verify.status == 0, "\(verify.output)\(verify.errors)")
        #expect(
            verify.output.contains(
                "not tried: Endpoint/vm is a virtual machine's, and nothing of ours runs in it ("), "\(verify.output)")
        try apply(host, ", device: tap, enabled: false")
        #expect(try pingsNothing(host, "guest", "10.88.0.11"))
    }

    @Test(arguments: [
        "ip link del ep-vm", "ip link set ep-vm nomaster", "ip link set ep-vm down mtu 1400",
        "ip link set ep-vm addrgenmode eui64", "ip link set ep-vm address 02:00:00:00:00:77",
        "bridge link set dev ep-vm guard off", "ip tuntap del ep-vm mode tap",
        "ip link del ep-vm; ip tuntap add ep-vm mode tap user 9; ip link set ep-vm alias bulkhead:default/Endpoint/vm",
        "ip link del ep-vm; ip tuntap add ep-vm mode tun; ip link set ep-vm alias bulkhead:default/Endpoint/vm",
        "ip link del ep-vm; ip link add ep-vm type veth peer name x; ip link set ep-vm alias bulkhead:default/Endpoint/vm",
    ])
    func driftIsRepaired(_ change: String) throws {
        let host = try host(", device: tap, tap: {owner: 7}")
        let before = try HostDump(host)
        try host.sh(change)
        let drift = try host.bulkhead("drift", "manifests")
        #expect(drift.status == 2, "\(change): \(drift.output)\(drift.errors)")
        try apply(host, ", device: tap, tap: {owner: 7}")
        #expect(try HostDump(host).differences(from: before) == [])
        let guest = try guest(host)
        defer { guest.signal(SIGKILL) }
        #expect(try ping(host, "guest", "10.88.0.11"))
    }

    @Test(arguments: [
        ("", ", device: tap"), (", device: tap", ""), (", device: tap", ", device: tap, tap: {owner: 7, group: 8}"),
        (", device: tap, tap: {owner: 7, group: 8}", ", device: tap, tap: {owner: 8}"),
        (", device: tap", ", device: tap, tap: {multiQueue: true}"),
        (", device: tap", ", device: tap, mtu: 1300, enabled: false"),
        (", device: tap", ", device: tap, bandwidth: {egress: 8Mbit, ingress: 9Mbit}"),
        (", device: tap, hostInterface: old", ", device: tap, hostInterface: new"),
    ])
    func itIsChangedAndUndone(_ old: String, _ new: String) throws {
        let host = try host(old)
        let before = try HostDump(host)
        let bad = """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Compartment
            metadata: {name: b}
            spec: {sysctls: {net.ipv4.ip_default_ttl: '077'}}
            """
        try host.write("base.yaml", Self.manifest(new, bad))
        let refused = try host.bulkhead("apply", "manifests", "--yes")
        #expect(refused.status == 1, "\(refused.output)\(refused.errors)")
        #expect(refused.errors.hasSuffix("Everything was undone: the host is as it was before.\n"), "\(refused.errors)")
        #expect(try HostDump(host).differences(from: before) == [])
        try apply(host, new)
        try apply(host, old)
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        #expect(try host.sh("ip -o link show type tun") == "")
    }

    /// The machine's end of a card that is made anew is dead, which a plan says.
    @Test func anOpenCardIsNotReplacedInSilence() throws {
        let host = try host()
        let guest = try guest(host)
        try host.write("base.yaml", Self.manifest(", device: tap, tap: {multiQueue: true}"))
        let plan = try host.bulkhead("plan", "manifests")
        #expect(plan.status == 0)
        let text =
            "± replace tap ep-vm: multi-queue off → on  (manifests/base.yaml:8, disruption: outage of endpoint vm)\n"
        #expect(plan.output.contains(text), "\(plan.output)")
        #expect(
            (plan.errors + plan.output).contains(
                "warning: replace tap ep-vm: multi-queue off → on: what the virtual machine that has ep-vm open is "
                    + "connected by goes with it, and undoing does not bring it back"), "\(plan.errors)")
        guest.signal(SIGKILL)
        _ = try guest.finish()
        try host.sh("ip netns del guest")
        try apply(host, ", device: tap, tap: {multiQueue: true}")
        let again = try self.guest(host, "--queues")
        defer { again.signal(SIGKILL) }
        #expect(try ping(host, "guest", "10.88.0.11"))
    }

    @Test func whoeverStartsTheMachineIsTold() throws {
        let host = try host(", device: tap, tap: {multiQueue: true}")
        let shown = try host.bulkhead("show", "endpoint/vm", "--output", "json").output
        let document = try JSON(parsing: shown)
        #expect(document["device"]?.string == "tap" && document["mac"]?.string == Self.mac)
        #expect(document["state"]?.string == "not open" && document["health"]?.string == "ok")
        let attach = try #require(document["attach"])
        #expect(attach["tap"]?.string == "ep-vm")
        let arguments: [JSON] = [
            "-netdev", "tap,id=vm,ifname=ep-vm,script=no,downscript=no,queues=2", "-device",
            "virtio-net-pci,netdev=vm,mac=02:00:00:00:00:01,mq=on,host_mtu=1500",
        ]
        #expect(attach["qemu"] == .array(arguments))
        #expect(attach["firecracker"]?["host_dev_name"]?.string == "ep-vm")
        #expect(attach["cloudHypervisor"] == ["--net", "tap=ep-vm,mac=02:00:00:00:00:01,mtu=1500"])
        let exec = try host.bulkhead("exec", "endpoint/vm", "--", "true")
        #expect(exec.status == 125)
        #expect(
            exec.errors
                == "bulkhead: endpoint 'vm' is the card of a virtual machine (tap ep-vm) and in no compartment; "
                + "run the command in the machine\n")
    }

    @Test func whatTheHostDoesNotHaveIsSaid() throws {
        let host = try ScratchHost()
        try host.write("base.yaml", Self.manifest(", device: tap, tap: {owner: nobody-at-all, group: no-group}"))
        let before = try HostDump(host)
        let unknown = try host.bulkhead("apply", "manifests", "--yes")
        #expect(unknown.status == 1)
        for (field, what, name, tool) in [
            ("owner", "user", "nobody-at-all", "useradd"), ("group", "group", "no-group", "groupadd"),
        ] {
            let message =
                "manifests/base.yaml:8:18: error: Endpoint/vm: tap: \(field): there is no \(what) '\(name)' on this host; "
                + "make it first (`\(tool) --system \(name)`), or give another one or its number\n"
            #expect(unknown.errors.contains(message), "\(unknown.errors)")
        }
        // Whoever reviews elsewhere has other users.
        #expect(try host.bulkhead("plan", "manifests", "--assume-empty").status == 0)
        try host.sh("mount -t tmpfs tmpfs /dev/net")
        try host.write("base.yaml", Self.manifest(", device: tap"))
        let missing = try host.bulkhead("apply", "manifests", "--yes")
        #expect(missing.status == 1)
        #expect(
            missing.errors.contains(
                "manifests/base.yaml:8:18: error: Endpoint/vm: device tap needs /dev/net/tun, which cannot be opened here; "
                    + "load the kernel's module (`modprobe tun`), or on a kernel without CONFIG_TUN use device nic\n"),
            "\(missing.errors)")
        #expect(try HostDump(host).differences(from: before) == [])
    }
}
