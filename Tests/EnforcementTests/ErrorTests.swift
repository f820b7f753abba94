import Foundation
import TestSupport
import Testing

/// ICMP errors belong to a connection only if they come from somebody who has to do with it.
@Suite struct ErrorTests {
    private static let python = "import socket; s = socket.socket(%F, socket.SOCK_DGRAM); "

    /// `a` and `b` speak to one another by UDP; `m` may speak to neither.
    private func site() throws -> PolicyHost {
        let web = try PolicyHost(["a", "b", "m"])
        let rule = "ingress: {default: deny, rules: [{action: allow, from: [{endpoints: {matchLabels: {app: %P}}}]}]}"
        try web.policies(
            [("a", "b"), ("b", "a")].map { own, peer in
                (
                    "\(own)-in",
                    "appliesTo: {endpoints: {matchLabels: {app: \(own)}}}\n\(rule.replacingOccurrences(of: "%P", with: peer))"
                )
            })
        try web.apply()
        for server in ["10.88.0.11", "fd00:88::11"] { try web.serve("b", "serve-udp", server, "6000") }
        return web
    }

    /// Connection tracking forgets them soon.
    private func talk(_ web: PolicyHost) throws {
        for (server, client, family) in [
            ("10.88.0.11", "10.88.0.10", "socket.AF_INET"), ("fd00:88::11", "fd00:88::10", "socket.AF_INET6"),
        ] {
            let ask =
                Self.python.replacingOccurrences(of: "%F", with: family)
                + "s.settimeout(60); s.bind(('\(client)', 5000)); s.sendto(b'?', ('\(server)', 6000)); print(s.recv(99).decode())"
            let answer = try web.host.run(["ip", "netns", "exec", "a", "python3", "-c", ask])
            #expect(answer.output.contains(client), "\(answer.errors)")
        }
    }

    @Test func ofAStrangerAreNone() throws {
        let web = try site()
        let rig = AttackRig(web)
        let errors = try rig.craft("errors", rig.people())
        try talk(web)
        expectNone(try rig.seen(errors))
    }

    @Test func ofTheOtherEndPass() throws {
        let web = try site()
        let rig = AttackRig(web)
        let errors = try rig.craft("errors", rig.people(own: "b"))
        try talk(web)
        expectNone(try Set(errors.map(\.name)).subtracting(rig.seen(errors, from: "b")))
    }

    /// Without anti-spoofing the stranger's pass, too: the rig sees what there is to see.
    @Test func antiSpoofIsWhatStopsThem() throws {
        let web = try site()
        let base = web.host.folder.appendingPathComponent("manifests/base.yaml")
        let text = try String(contentsOf: base, encoding: .utf8)
        let last = "addresses: [10.88.0.12, \"fd00:88::12\"]"
        try web.host.write("base.yaml", text.replacingOccurrences(of: last, with: "\(last), antiSpoof: false"))
        try web.apply()
        let rig = AttackRig(web)
        let errors = try rig.craft("errors", rig.people())
        try talk(web)
        expectNone(try Set(errors.map(\.name)).subtracting(rig.seen(errors)))
    }

    @Test func ofAStrangerDoNotReachTheOutsideEither() throws {
        let web = try site()
        let lan = try web.neighbour()
        try web.apply()
        let server = try lan.serve("serve-udp", "192.0.2.9", "6000")
        defer { server.signal(SIGKILL) }
        let ask =
            Self.python.replacingOccurrences(of: "%F", with: "socket.AF_INET")
            + "s.settimeout(60); s.bind(('10.88.0.11', 5000)); s.sendto(b'?', ('192.0.2.9', 6000)); print(s.recv(99).decode())"
        #expect(try web.host.run(["ip", "netns", "exec", "b", "python3", "-c", ask]).output.contains("192.0.2.1"))
        for (sender, passes) in [("m", false), ("b", true)] {
            let rig = AttackRig(web)
            var people = try rig.people(own: sender)
            people["outside4"] = "192.0.2.9"
            let errors = try rig.craft("routed", people)
            let watcher = try AttackRig(lan).watch(errors, "lan0", in: nil)
            #expect(try rig.seen(errors, from: sender, watch: "bh-web", in: nil).isEmpty != passes)
            #expect(try rig.names(errors, watcher) == (passes ? Set(errors.map(\.name)) : []), "from \(sender)")
        }
    }
}
