import Foundation
import TestSupport
import Testing

/// Whoever is root in a compartment and undoes without end what an apply puts right keeps no others from theirs.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct MeddlingTests {
    /// What a process in compartment a does all the time.
    static let loops = [
        "while :; do ip rule add from 192.0.2.9 lookup 7; sleep .01; done",
        "while :; do ip route replace default via 10.88.0.77; sleep .02; done",
        "while :; do ip address add 192.0.2.9/32 dev lo; ip address del 192.0.2.9/32 dev lo; done",
        "while :; do ip link add d0 type bridge; ip link del d0; done",
        "while :; do echo 1 > /proc/sys/net/ipv4/conf/all/forwarding; sleep .02; done",
        "while :; do echo 192.0.2.9 evil > etc/a/hosts; sleep .02; done",
        // One table as large as needs several answers, and changes between them.
        """
        for i in $(seq 0 2999); do echo address add 11.0.$((i / 250)).$((i % 250))/32 dev lo; done | ip -batch -
        while :; do for i in $(seq 500); do echo address add 12.0.0.1/32 dev lo; echo address del 12.0.0.1/32 dev lo; done \
            | ip -force -batch -; done
        """,
    ]

    @Test(arguments: loops) func othersComeAndGo(_ loop: String) throws {
        let host = try ScratchHost()
        let empty = try HostDump(host)
        let manifests = [Manifests.web, Manifests.endpoint("a", "addresses: [10.88.0.10]")]
        try host.declare(manifests.joined(separator: "\n---\n"))
        #expect(try host.apply("--quiet").status == 0)
        let process = try host.start(["ip", "netns", "exec", "a", "sh", "-c", "cd \(host.folder.path); \(loop)"])
        defer { process.signal(SIGKILL) }
        usleep(500_000)
        for round in 1...3 {
            try host.declare(
                (manifests + (round % 2 == 1 ? [Manifests.endpoint("b", "addresses: [10.88.0.11]")] : []))
                    .joined(separator: "\n---\n"))
            let apply = try host.apply("--quiet")
            #expect(apply.status == 0, "round \(round): \(apply.errors)")
            for line in apply.errors.split(separator: "\n") {
                #expect(line.contains("warning: "), "round \(round): \(apply.errors)")
            }
            #expect(try host.sh("ip netns list").contains("b") == (round % 2 == 1))
        }
        #expect(try host.ping("10.88.0.1", from: "b"))
        #expect([0, 2].contains(try host.bulkhead("drift", "manifests").status))
        #expect(try host.bulkhead("show").status == 0)
        process.signal(SIGKILL)
        // What it had begun goes on.
        _ = try process.finish()
        let again = try host.apply("--quiet")
        #expect(again.status == 0 && again.errors.isEmpty, "\(again.errors)")
        #expect(try host.bulkhead("drift", "manifests").status == 0)
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        #expect(try HostDump(host).differences(from: empty) == [])
    }

    /// It goes while it is at it.
    @Test func itIsDestroyedAllTheSame() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("a"), Manifests.endpoint("b"))
        #expect(try host.apply("--quiet").status == 0)
        let process = try host.start(["ip", "netns", "exec", "a", "sh", "-c", Self.loops[0]])
        defer { process.signal(SIGKILL) }
        usleep(200_000)
        try host.declare(Manifests.web, Manifests.endpoint("b"))
        let apply = try host.apply("--quiet")
        #expect(apply.status == 0, "\(apply.errors)")
        #expect(!(try host.sh("ip netns list").contains("a")))
    }

    /// Nor does it make of a change that failed, and was undone, one that could not be.
    @Test(arguments: loops[..<4]) func aFailedChangeIsUndoneAllTheSame(_ loop: String) throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("a", "addresses: [10.88.0.10]"))
        #expect(try host.apply("--quiet").status == 0)
        let process = try host.start(["ip", "netns", "exec", "a", "sh", "-c", loop])
        defer { process.signal(SIGKILL) }
        usleep(200_000)
        try host.declare(
            Manifests.web, Manifests.endpoint("a", "addresses: [10.88.0.10]"),
            Manifests.endpoint("b", "addresses: [10.88.0.11]"),
            Self.compartment("net.ipv4.ip_default_ttl: '077'").replacing("name: a", with: "name: b"))
        for _ in 1...5 {
            let refused = try host.apply("--quiet")
            #expect(refused.status == 1, "\(refused.errors)")
            #expect(
                refused.errors.hasSuffix("Everything was undone: the host is as it was before.\n"), "\(refused.errors)")
            #expect(!(try host.sh("ip netns list").contains("b")))
        }
    }

    private static func compartment(_ sysctls: String) -> String {
        "apiVersion: bulkhead.dev/v1alpha1\nkind: Compartment\nmetadata: {name: a}\nspec: {sysctls: {\(sysctls)}}"
    }

    /// What is said of other things than those that differ is no excuse.
    @Test func noiseIsNoExcuse() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("a"), Self.compartment(""))
        #expect(try host.apply("--quiet").status == 0)
        let process = try host.start([
            "ip", "netns", "exec", "a", "sh", "-c",
            "while :; do ip route add 192.0.2.9 dev lo; ip route del 192.0.2.9 dev lo; sleep .02; done",
        ])
        defer { process.signal(SIGKILL) }
        usleep(200_000)
        try host.declare(Manifests.web, Manifests.endpoint("a"), Self.compartment("net.ipv4.ip_default_ttl: '077'"))
        var refused = try host.apply("--quiet")
        // On a busy machine the noise may be such that nothing in there is compared.
        for _ in 1...20 where refused.errors.contains("changes faster than it can be read") {
            #expect(refused.status == 0, "\(refused.errors)")
            refused = try host.apply("--quiet")
        }
        #expect(refused.status != 0, "\(refused.errors)")
        #expect(refused.errors.contains("net/ipv4/ip_default_ttl 63 → 077"), "\(refused.errors)")
    }

    /// Nobody meddles: a value that the kernel acknowledges and does not keep as it is written is an error, and undone.
    @Test func whatTheKernelDoesNotKeepIsAnError() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("a"), Self.compartment("net.ipv4.ip_default_ttl: '64'"))
        #expect(try host.apply("--quiet").status == 0)
        let before = try HostDump(host)
        try host.declare(Manifests.web, Manifests.endpoint("a"), Self.compartment("net.ipv4.ip_default_ttl: '077'"))
        let refused = try host.apply("--quiet")
        #expect(refused.status == 1)
        #expect(
            refused.errors.hasSuffix(
                "error: after the apply the kernel still differs: namespace a: net/ipv4/ip_default_ttl 63 → 077 (1 kernel "
                    + "setting differs); something else may be changing it, or the kernel did not keep what it acknowledged\n"
                    + "Everything was undone: the host is as it was before.\n"), "\(refused.errors)")
        #expect(try HostDump(host).differences(from: before) == [])
    }
}
