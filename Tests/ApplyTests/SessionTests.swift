import Foundation
import TestSupport
import Testing

/// The way by which the person at the keyboard came in.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct SessionTests {
    /// The client is 192.0.2.9, or 10.88.0.5 behind a router.
    private func warning(client: String, prefix: String = "10.88.0.0/24") throws -> String? {
        let host = try ScratchHost()
        try host.sh(
            "ip link add up0 type veth peer name up1 && ip address add 192.0.2.1/24 dev up0 && ip link set up0 up && "
                + "ip link set up1 up && ip route add default via 192.0.2.254")
        try host.declare(Manifests.web.replacingOccurrences(of: "10.88.0.0/24", with: prefix))
        let result = try host.bulkhead(
            "plan", "manifests", environment: ["SSH_CONNECTION": "\(client) 50000 192.0.2.1 22"])
        #expect(result.status == 0)
        return (result.output + result.errors).split(separator: "\n").first { $0.contains("SSH session") }.map(
            String.init)
    }

    @Test func aNewPrefixThatTakesTheClientsAddressOverIsWarnedOf() throws {
        let text = try #require(try warning(client: "10.88.0.5"))
        #expect(
            text.contains(
                "your SSH session from 10.88.0.5 comes in by up0, and this plan changes that way (add address "
                    + "10.88.0.1/24 to bh-web); if it cuts you off, nobody can put it back from here: add "
                    + "`--confirm-within 60s`, which undoes the change unless you confirm it"))
    }

    @Test(arguments: ["192.0.2.9", "203.0.113.9"])
    func aPlanThatLeavesTheWayAloneDoesNotWarn(_ client: String) throws {
        #expect(try warning(client: client) == nil)
    }

    @Test func deletingTheLinkThatTheClientIsBehindIsWarnedOf() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("web-1", "addresses: [10.88.0.10]"))
        #expect(try host.apply().status == 0)
        try host.declare(
            Manifests.web.replacingOccurrences(of: "web", with: "db").replacingOccurrences(of: "10.88", with: "10.89"))
        let result = try host.bulkhead(
            "plan", "manifests", environment: ["SSH_CONNECTION": "10.88.0.10 50000 10.88.0.1 22"])
        #expect(
            result.output.contains(
                "your SSH session from 10.88.0.10 comes in by bh-web, and this plan changes that way (delete veth ep-web-1)"
            ))
        // The endpoint alone, or its card taken down.
        for rest in [[], [Manifests.endpoint("web-1", "addresses: [10.88.0.10], enabled: false")]] {
            try host.declare(([Manifests.web] + rest).joined(separator: "\n---\n"))
            let result = try host.bulkhead(
                "plan", "manifests", environment: ["SSH_CONNECTION": "10.88.0.10 50000 10.88.0.1 22"])
            #expect(
                result.output.contains("your SSH session from 10.88.0.10 comes in by bh-web, and this plan changes"),
                "\(result.output)")
        }
    }

    /// Of link-local addresses only the interface says where they lead: those of other links are no way to the client.
    @Test(arguments: [("up0", "up0"), ("3", "3"), ("up9", nil), ("", nil)] as [(String, String?)])
    func aLinkLocalClientIsKnownByItsInterface(_ zone: String, _ named: String?) throws {
        let host = try ScratchHost()
        try host.sh(
            "ip link add up0 index 3 type veth peer name up1; ip link set up0 up; ip link set up1 up; "
                + "ip -6 address add fe80::2/64 dev up0 nodad; while ip -6 addr show | grep -q tentative; do sleep 0.05; done"
        )
        let connection = "fe80::1%\(zone) 50000 fe80::2%\(zone) 22"
        func warning() throws -> Substring? {
            let result = try host.bulkhead("plan", "manifests", environment: ["SSH_CONNECTION": connection])
            #expect(result.status == 0, "\(result.errors)")
            return (result.output + result.errors).split(separator: "\n").first { $0.contains("SSH session") }
        }
        try host.declare(Manifests.web, Manifests.endpoint("web-1", "addresses: [10.88.0.10]"))
        #expect(try warning() == nil)
        try host.declare(
            """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: lan}
            spec: {type: transparent, subnets: [{prefix: 192.0.2.0/24}], uplink: {interface: up0}}
            """)
        let text = try warning()
        #expect((text != nil) == (named != nil), "\(text ?? "")")
        guard named != nil else { return }
        #expect(
            text?.contains(
                "your SSH session from fe80::1%up0 comes in by up0, and this plan changes that way (put up0 on bh-lan); if it cuts "
                    + "you off, nobody can put it back from here: add `--confirm-within 60s`, which undoes the change unless you "
                    + "confirm it") == true, "\(text ?? "")")
    }

    /// `destroy` has no deadline, and names what has one.
    @Test(arguments: [["--all"], ["manifests"]])
    func destroyNamesWhatCanBeUndone(_ what: [String]) throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("web-1", "addresses: [10.88.0.10]"))
        #expect(try host.apply().status == 0)
        let result = try host.run(
            [ScratchHost.binary, "destroy", "--yes"] + what,
            environment: ["SSH_CONNECTION": "10.88.0.10 50000 10.88.0.1 22"])
        #expect(result.status == 0, "\(result.errors)")
        let warning =
            "warning: your SSH session from 10.88.0.10 comes in by bh-web, and this plan changes that way (delete veth ep-web-1); "
            + "if it cuts you off, nobody can put it back from here: `destroy` has no deadline, so apply manifests without "
            + "these objects instead, with `--confirm-within 60s`, which undoes the change unless you confirm it\n"
        #expect((result.output + result.errors).contains(warning), "\(result.output)\(result.errors)")
    }

    /// `sudo` passes few variables on.
    @Test func theSessionIsThatOfTheShellAbove() throws {
        let host = try ScratchHost()
        try host.sh(
            "ip link add up0 type veth peer name up1 && ip address add 192.0.2.1/24 dev up0 && ip link set up0 up")
        try host.declare(Manifests.web, Manifests.endpoint("web-1", "portMappings: [{hostPort: 2222, port: 22}]"))
        let error =
            "error: host port 2222/tcp of Endpoint/web-1 is the port of your SSH session; choose another hostPort\n"
        let line = "env -u SSH_CONNECTION sh -c '\(ScratchHost.binary) plan manifests; exit $?'; exit $?"
        // Nothing listens there that can be seen, as behind a socket of another namespace.
        for (connection, status) in [("192.0.2.9 50000 192.0.2.1 2222", 1), ("192.0.2.9 50000 192.0.2.1 22", 0)] {
            let result = try host.run(["sh", "-c", line], environment: ["SSH_CONNECTION": connection])
            #expect(result.status == status, "\(result.errors)")
            #expect(result.errors.contains(error) == (status == 1), "\(result.errors)")
        }
    }
}
