import Foundation
import TestSupport
import Testing

/// A real guest: a small Linux under QEMU, its network card on a tap endpoint (`Tests/MachineTests/machine`).
@Suite struct GuestMachineTests {
    private static let manifest = """
        \(PolicyHost.web)
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: vm, labels: {app: vm}}
        spec: {network: web, device: tap, mac: "02:00:00:00:00:01", addresses: [10.88.0.10, "fd00:88::10"]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: b, labels: {app: b}}
        spec: {network: web, addresses: [10.88.0.11, "fd00:88::11"]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Policy
        metadata: {name: vm}
        spec:
          appliesTo: {endpoints: {matchLabels: {app: vm}}}
          ingress: {default: deny, rules: [{action: allow, protocols: [{protocol: tcp, ports: [80]}]}]}
          egress: {default: deny, rules: [{action: allow, to: [{endpoints: {matchLabels: {app: b}}}]}]}
        """

    /// Waits for a request from the guest, tries the guest's ports, and answers with what came of it.
    private static let server = """
        import socket
        def ask(port, patience):
            try:
                with socket.create_connection(("10.88.0.10", port), patience) as c:
                    c.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
                    return c.recv(4096).split(b"\\r\\n")[0].decode()
            except OSError as error:
                return type(error).__name__
        s = socket.create_server(("10.88.0.11", 7000))
        print("ready", flush=True)
        c, _ = s.accept()
        c.recv(4096)
        text = f"80 {ask(80, 120)}\\n81 {ask(81, 5)}\\n"
        c.sendall(f"HTTP/1.0 200 OK\\r\\nContent-Length: {len(text)}\\r\\n\\r\\n{text}".encode())
        c.close()
        """

    private static let script = """
        ip address add 10.88.0.10/24 dev eth0
        ip -6 address add fd00:88::10/64 dev eth0
        ip route add default via 10.88.0.1
        try() { what=$1; shift; "$@" > /dev/null 2>&1 && echo "$what yes" || echo "$what no"; }
        # Duplicate address detection takes its time.
        for n in $(seq 60); do ping -c1 -W2 fd00:88::11 > /dev/null 2>&1 && break; sleep 1; done
        try v4 ping -c1 -W60 10.88.0.11
        try v6 ping -c1 -W60 fd00:88::11
        try host ping -c1 -W2 10.88.0.1
        ip address add 10.88.0.99/24 dev eth0
        try forged ping -c1 -W2 -I 10.88.0.99 10.88.0.11
        mkdir /web; echo hello > /web/index.html
        httpd -p 80 -h /web; httpd -p 81 -h /web
        wget -q -O - http://10.88.0.11:7000/
        """

    @Test(.enabled(if: Machine.isPossible, Machine.reason)) func itTalksAndIsStopped() throws {
        let host = try ScratchHost()
        try host.write("base.yaml", Self.manifest)
        let applied = try host.bulkhead("apply", "manifests", "--yes")
        try #require(applied.status == 0, "\(applied.errors)")
        let server = try host.start(["ip", "netns", "exec", "b", "python3", "-c", Self.server])
        server.waitForOutput()
        defer { server.signal(SIGKILL) }
        let guest = try host.run(Machine.command(["guest", "ep-vm", "02:00:00:00:00:01", Self.script]))
        try #require(guest.status == 0, "\(guest.output)\(guest.errors)")
        #expect(
            guest.output.split(separator: "\n") == [
                "v4 yes", "v6 yes", "host no", "forged no", "80 HTTP/1.1 200 OK", "81 TimeoutError",
            ], "\(guest.output)")
        let drift = try host.bulkhead("drift", "manifests")
        #expect(drift.status == 0, "\(drift.output)")
    }
}
