import Foundation
import TestSupport
import Testing

/// What runs between endpoints that a plan does not touch.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct NeighbourTests {
    private static let receiver = """
        import socket
        s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("10.88.0.11", 7000)); s.listen(1)
        print("ready", flush=True)
        c, _ = s.accept(); expected = 0
        while data := c.recv(4096):
            for byte in data:
                assert byte == expected % 251, "the stream was damaged"
                expected += 1
        print(expected, flush=True)
        """
    private static let sender = """
        import socket, sys, time
        s = socket.create_connection(("10.88.0.11", 7000)); sent = 0
        print("ready", flush=True)
        import select
        while not select.select([sys.stdin], [], [], 0.001)[0]:
            s.send(bytes((sent + i) % 251 for i in range(100))); sent += 100
        s.close(); print(sent, flush=True)
        """

    @Test func theyLoseNothing() throws {
        let host = try ScratchHost()
        let steady = [
            Manifests.web, Manifests.endpoint("still-1", "addresses: [10.88.0.10]"),
            Manifests.endpoint("still-2", "addresses: [10.88.0.11]"),
        ]
        func declare(_ others: [String]) throws { try host.declare((steady + others).joined(separator: "\n---\n")) }
        try declare([Manifests.endpoint("other-0")])
        #expect(try host.apply().status == 0)
        let before = try HostDump(host).identities
        let netns = { (name: String) in ["ip", "netns", "exec", name] }
        let ping = try host.start(netns("still-1") + ["ping", "-i", "0.001", "-W", "2", "10.88.0.11"])
        let receiver = try host.start(netns("still-2") + ["python3", "-c", Self.receiver])
        receiver.waitForOutput()
        let sender = try host.start(netns("still-1") + ["python3", "-c", Self.sender], hasInput: true)
        sender.waitForOutput()
        let changes: [[String]] = [
            (0..<8).map { Manifests.endpoint("other-\($0)") },
            (0..<8).map {
                Manifests.endpoint("other-\($0)", "mtu: 1400, portMappings: [{hostPort: 80\($0)0, port: 80}]")
            },
            (4..<8).map { Manifests.endpoint("other-\($0)", "compartment: moved-\($0)") },
            [Manifests.endpoint("other-9", "enabled: false")], [],
        ]
        for others in changes {
            try declare(others)
            let result = try host.apply("--allow-mass-delete")
            #expect(result.status == 0, "\(result.errors)")
        }
        let sent = try sender.finish(input: "stop\n")
        let received = try receiver.finish()
        ping.signal(SIGINT)
        let summary = try ping.finish().output
        let words = #/(\d+) packets transmitted, (\d+) received/#
        let match = try #require(summary.firstMatch(of: words), "\(summary.suffix(300))")
        // The last one may be on its way when the signal comes.
        let (transmitted, answered) = (try #require(Int(match.1)), try #require(Int(match.2)))
        #expect(transmitted - answered <= 1)
        #expect(answered > 200)
        #expect(sent.status == 0)
        #expect(received.output == sent.output, "\(received.errors)")
        for (name, identity) in before where name.contains("still-") || name == "host bh-web" {
            #expect(try HostDump(host).identities[name] == identity)
        }
    }
}
