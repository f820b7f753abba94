import Foundation
import TestSupport
import Testing

/// An answer belongs to a connection by its addresses and ports, whichever way it comes. Who takes the address of somebody
/// else in a network to which no path leads says nothing within connections of others by that.
@Suite struct ReversePathTests {
    /// `v` talks with `peer` of a peer network, `w` with the world; `host` is the host itself. `guest` and `loose` are on a
    /// third network.
    private static let documents = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: one}
        spec: {type: internal, subnets: [{prefix: 10.77.0.0/24}, {prefix: "fd00:77::/64"}], peerNetworks: [{network: two}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: two}
        spec: {type: internal, subnets: [{prefix: 10.78.0.0/24}, {prefix: "fd00:78::/64"}], peerNetworks: [{network: one}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: third}
        spec: {type: nat, subnets: [{prefix: 10.79.0.0/24}, {prefix: "fd00:79::/64"}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: out}
        spec: {type: nat, subnets: [{prefix: 10.80.0.0/24}, {prefix: "fd00:80::/64"}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: v, labels: {app: v}}
        spec: {network: one, addresses: [10.77.0.10, "fd00:77::10"]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: peer}
        spec: {network: two, addresses: [10.78.0.10, "fd00:78::10"]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: guest}
        spec: {network: third, addresses: []}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: loose}
        spec: {network: third, addresses: [10.79.0.12, "fd00:79::12"], antiSpoof: false}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: w}
        spec: {network: out, addresses: [10.80.0.10, "fd00:80::10"]}

        """

    /// Asks from one port, says how many of its peers answered, and at a line of input what else came on.
    private static let victim = """
        import select, socket, sys
        port, peers, sockets = int(sys.argv[1]), sys.argv[2:], []
        for peer in peers:
            s = socket.socket(socket.AF_INET6 if ':' in peer else socket.AF_INET, socket.SOCK_DGRAM)
            if ':' in peer: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.bind(('', port)); s.connect((peer, 7000)); sockets.append(s)
        def heard(s, seconds):
            return s.recv(100).decode() if select.select([s], [], [], seconds)[0] else 'silent'
        answers = []
        for s in sockets:
            for _ in range(20):
                s.send(b'?'); answer = heard(s, 0.5)
                if answer != 'silent': break
            answers.append(answer)
        print(' '.join(answers), flush=True)
        sys.stdin.readline()
        others = []
        for s in sockets:
            while True:
                word = heard(s, 0.3)
                if word == 'silent': break
                if word != 'true': others.append(word)
        print(' '.join(sorted(others)) or 'none', flush=True)
        """

    /// What peers answer.
    private static let server = """
        import select, socket, sys
        sockets = []
        for address in sys.argv[1:]:
            s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_DGRAM)
            s.bind((address, 7000)); sockets.append(s)
        print('ready', flush=True)
        while True:
            for s in select.select(sockets, [], [])[0]:
                data, other = s.recvfrom(100); s.sendto(b'true', other)
        """

    /// Answers from an address that it gave itself.
    private static let forger = """
        import socket, sys
        name = sys.argv[1]
        for words in sys.argv[2:]:
            source, target, port = words.split(',')
            s = socket.socket(socket.AF_INET6 if ':' in source else socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_IP, 15, 1) if ':' not in source else s.setsockopt(socket.IPPROTO_IPV6, 78, 1)
            s.bind((source, 7000)); s.sendto(('as-%s-by-%s' % (source, name)).encode(), (target, int(port)))
        """

    private final class Site {
        let host: ScratchHost
        let lan: ScratchHost
        var running: [RunningProcess] = []

        init() throws {
            (host, lan) = (try ScratchHost(), try ScratchHost())
            try host.write("base.yaml", ReversePathTests.documents)
            try lan.connect(
                "eth0", ["192.0.2.1/24", "2001:db8::1/64"], to: host, "eth1", ["192.0.2.2/24", "2001:db8::2/64"])
            let result = try host.bulkhead("apply", "manifests", "--yes")
            #expect(result.status == 0, "\(result.errors)")
            let plan = try host.bulkhead("plan", "manifests", "--detailed-exitcode")
            #expect(plan.status == 0, "\(plan.output)")
            try lan.sh("ip route add 10.0.0.0/8 via 192.0.2.2; ip route add fd00::/16 via 2001:db8::2")
            try host.sh(
                "ip -n guest address add 10.79.0.50/24 dev eth0; ip -n guest address add fd00:79::50/64 dev eth0 nodad; "
                    + "ip -n guest route add default via 10.79.0.1; ip -n guest route add default via fd00:79::1; "
                    + "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0")
            try serve(host, ["ip", "netns", "exec", "peer"], ["10.78.0.10", "fd00:78::10"])
            try serve(lan, [], ["192.0.2.1", "2001:db8::1"])
        }

        deinit { for process in running { process.signal(SIGKILL) } }

        private func serve(_ host: ScratchHost, _ inside: [String], _ addresses: [String]) throws {
            let server = try host.start(inside + ["python3", "-c", ReversePathTests.server] + addresses)
            server.waitForOutput()
            running.append(server)
        }

        /// Opens connections, whose peers have to answer.
        func open(_ place: String?, _ port: Int, _ peers: [String]) throws -> RunningProcess {
            let inside = place.map { ["ip", "netns", "exec", $0] } ?? []
            let victim = try host.start(
                inside + ["python3", "-c", ReversePathTests.victim, "\(port)"] + peers, hasInput: true)
            running.append(victim)
            #expect(try victim.answer() == peers.map { _ in "true" }.joined(separator: " "), "\(place ?? "host")")
            return victim
        }

        func forge(_ place: String, _ sources: [String], _ flows: [String]) throws {
            let inside = place == "lan" ? [] : ["ip", "netns", "exec", place]
            for source in sources {
                let length = source.contains(":") ? 128 : 32
                try (place == "lan" ? lan : host).sh(
                    "ip \(place == "lan" ? "" : "-n \(place) ")address add \(source)/\(length) dev lo \(length == 128 ? "nodad" : "")"
                )
            }
            let result = try (place == "lan" ? lan : host).run(
                inside + ["python3", "-c", ReversePathTests.forger, place] + flows)
            #expect(result.status == 0, "\(result.errors)")
        }
    }

    @Test func nobodyAnswersForOthersByAnotherNetwork() throws {
        let site = try Site()
        let victims = [
            try site.open("v", 4444, ["10.78.0.10", "fd00:78::10"]),
            try site.open("w", 4445, ["192.0.2.1", "2001:db8::1"]),
            try site.open(nil, 4446, ["192.0.2.1", "2001:db8::1"]),
        ]
        let peers = ["10.78.0.10", "fd00:78::10"]
        let toPeers = ["10.78.0.10,10.77.0.10,4444", "fd00:78::10,fd00:77::10,4444"]
        let world = ["192.0.2.1", "2001:db8::1"]
        let toWorld = [4445, 4446].flatMap { ["192.0.2.1,192.0.2.2,\($0)", "2001:db8::1,2001:db8::2,\($0)"] }
        for place in ["guest", "loose"] { try site.forge(place, peers + world, toPeers + toWorld) }
        try site.forge("lan", peers, toPeers)
        for victim in victims { #expect(try victim.ask("") == "none") }
    }

    /// The world's own answers still come, also those of which the victim knows nothing yet.
    @Test func theWorldAnswersItself() throws {
        let site = try Site()
        let victim = try site.open("w", 4445, ["192.0.2.1", "2001:db8::1"])
        let late = """
            import socket
            for family, source, target in ((2, '192.0.2.1', '192.0.2.2'), (10, '2001:db8::1', '2001:db8::2')):
                s = socket.socket(family, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, 15, 1)
                s.bind((source, 7000)); s.sendto(b'late', (target, 4445))
            """
        // The server has the port; a second one of the same user may share it where both say so.
        for process in site.running.prefix(2) { process.signal(SIGKILL) }
        #expect(try site.lan.run(["python3", "-c", late]).status == 0)
        #expect(try victim.ask("") == "late late")
    }
}
