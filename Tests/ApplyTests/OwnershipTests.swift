import Foundation
import TestSupport
import Testing

/// What is not bulkhead's, what is another scope's, and what must not be deleted.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct OwnershipTests {
    /// Applies what must be refused: status 1, these words, and nothing changed.
    private func refuse(
        _ host: ScratchHost, _ message: String, _ arguments: [String], location: SourceLocation = #_sourceLocation
    ) throws {
        let before = try HostDump(host)
        let result = try host.run([ScratchHost.binary] + arguments)
        #expect(result.status == 1, sourceLocation: location)
        #expect(result.errors.contains(message), "\(result.errors)", sourceLocation: location)
        let after = try HostDump(host)
        #expect(after.differences(from: before) == [], sourceLocation: location)
        #expect(after.changedIdentities(from: before) == [], sourceLocation: location)
    }

    private let apply = ["apply", "--yes", "manifests"]

    @Test func aForeignBridgeIsNamedAndAdoptedInPlaceOnlyWhenAsked() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("web-1"))
        try host.sh("ip link add bh-web type bridge")
        let index = try HostDump(host).identities["host bh-web"]
        try refuse(
            host,
            "error: Network/web needs the interface name bh-web, which a foreign bridge interface has; take it over with "
                + "`--adopt Network/web`, delete it with `ip link delete bh-web`", apply)
        #expect(try host.apply("--adopt", "Network/web").status == 0)
        let after = try HostDump(host)
        #expect(after.identities["host bh-web"] == index)
        #expect(try host.sh("cat /sys/class/net/bh-web/ifalias") == "bulkhead:default/Network/web\n")
        #expect(try host.steps() == [])
    }

    /// Up, with the host's address and ports that are somebody else's: from the first step on it is no card of the host.
    @Test(arguments: ["nat", "internal"])
    func aBridgeInUseIsAdoptedInOneGo(_ type: String) throws {
        let host = try ScratchHost()
        try host.declare(
            Manifests.web.replacing("type: nat", with: "type: \(type)"), Manifests.endpoint("web-1"),
            Manifests.web.replacing("name: web", with: "name: db").replacing("10.88", with: "10.89"))
        try host.sh(
            """
            ip link add bh-web type bridge; ip link set bh-web up; ip address add 10.88.0.1/24 dev bh-web
            ip link add port type veth peer name far; ip link set port master bh-web up; ip link set far up
            ip link add card type veth peer name away; ip link set card up; ip address add 192.0.2.1/24 dev card
            """)
        let before = try HostDump(host)
        let failed = try host.apply("--adopt", "Network/web", fault: "refuse:9")
        #expect(failed.status == 1)
        #expect(try HostDump(host).differences(from: before) == [])
        let plan = try host.bulkhead("plan", "manifests", "--adopt", "Network/web")
        #expect(plan.output.contains("  ~ take foreign interface port off bh-web"), "\(plan.output)")
        #expect(!plan.output.contains("host: net/ipv4/conf/bh-web"), "\(plan.output)")
        let apply = try host.apply("--adopt", "Network/web")
        #expect(apply.status == 0, "\(apply.errors)")
        #expect(try HostDump(host).identities["host bh-web"] == before.identities["host bh-web"])
        #expect(try host.sh("ip -o link show dev port").contains("master") == false)
        #expect(try host.steps() == [])
        #expect(try host.ping("10.88.0.1", from: "web-1"))
    }

    /// The other network forwarded by it as by a card of the host: what it was then is forgotten, not put back.
    @Test func aCardOfTheHostBecomesABridgeOfOurs() throws {
        let host = try ScratchHost()
        let other = Manifests.web.replacing("name: web", with: "name: db").replacing("10.88", with: "10.89")
        try host.declare(other)
        try host.sh("ip link add bh-web type bridge; ip link set bh-web up; ip address add 10.88.0.1/24 dev bh-web")
        let before = try HostDump(host)
        #expect(try host.apply().status == 0)
        #expect(try host.sh("cat /proc/sys/net/ipv4/conf/bh-web/forwarding") == "1\n")
        try host.declare(other, Manifests.web)
        let apply = try host.apply("--adopt", "Network/web")
        #expect(apply.status == 0, "\(apply.errors)")
        #expect(try host.steps() == [])
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        let after = try HostDump(host)
        #expect(after.lines.allSatisfy { !$0.contains("bh-web") })
        #expect(before.lines.contains { $0.contains("bh-web") })
    }

    @Test func aForeignLinkOfAnotherKindCannotBeAdopted() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("web-1"))
        try host.sh("ip link add ep-web-1 type bridge")
        let message =
            "error: Endpoint/web-1 needs the interface name ep-web-1, which a foreign bridge interface has; rename or "
            + "delete it (`ip link delete ep-web-1`), or set `spec.hostInterface`"
        try refuse(host, message, apply)
        try refuse(host, message, apply + ["--adopt", "Endpoint/web-1"])
    }

    /// Taken over or deleted, the host's own interface would be gone.
    @Test func whatTheHostItselfUsesCannotBeAdopted() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("web-1"))
        try host.sh("ip link add ep-web-1 type veth peer name far; ip link set ep-web-1 up; ip link set far up")
        try host.sh("ip address add 192.0.2.1/24 dev ep-web-1")
        let name = "error: Endpoint/web-1 needs the interface name ep-web-1, which the host itself uses "
        for more in [[], ["--adopt", "Endpoint/web-1"]] {
            try refuse(host, "\(name)(address 192.0.2.1/24); set `spec.hostInterface`", apply + more)
        }
        try host.sh("ip address flush dev ep-web-1; ip route add default dev ep-web-1")
        for more in [[], ["--adopt", "Endpoint/web-1"]] {
            try refuse(host, "\(name)(route to default); set `spec.hostInterface`", apply + more)
        }
    }

    @Test func oneNamespaceByTwoPathsIsRefused() throws {
        let host = try ScratchHost()
        try host.sh("ip netns add theirs; ln -s /run/netns/theirs /run/other")
        let adopt = { (name: String, path: String) in
            "---\napiVersion: bulkhead.dev/v1alpha1\nkind: Compartment\nmetadata: {name: \(name)}\n"
                + "spec: {namespace: {path: \(path)}}\n"
        }
        try host.declare(adopt("one", "/run/netns/theirs"), adopt("two", "/run/other"))
        try refuse(
            host,
            "error: Compartment/two: /run/other is the same namespace as /run/netns/theirs of Compartment/one; one "
                + "compartment each", apply)
    }

    @Test func aForeignNamespaceIsNamed() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("web-1"))
        try host.sh("ip netns add web-1")
        try refuse(
            host,
            "error: Compartment/web-1: namespace web-1 exists and bulkhead did not make it; choose another "
                + "`spec.namespace.name`, or use it as it is with `spec.namespace.path`", apply)
    }

    @Test func aForeignFileInThePlaceOfANamespaceIsNamed() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("web-1"))
        try host.sh("echo mine > /run/netns/web-1")
        try refuse(
            host,
            "error: Compartment/web-1: a file named web-1 that is no namespace lies in the netns folder; remove it, or "
                + "set `spec.namespace.name`", apply)
        #expect(try host.sh("cat /run/netns/web-1") == "mine\n")
    }

    @Test func anAddressOfTheHostIsNotTakenTwice() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web)
        try host.sh(
            "ip link add up0 type veth peer name up1 && ip address add 10.88.0.7/24 dev up0 && ip link set up0 up")
        try refuse(
            host,
            "error: prefix 10.88.0.0/24 of Network/web overlaps the host's address 10.88.0.7/24 on up0; choose another prefix",
            apply)
    }

    @Test func whatAnotherScopeOwnsIsNamedAndLeftAlone() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("web-1"))
        #expect(try host.apply().status == 0)
        try refuse(
            host,
            "error: Network/web needs the interface name bh-web, which Network/web of scope default has; rename one of the two",
            apply + ["--scope", "other"])
        let before = try HostDump(host)
        try host.declare(Manifests.web.replacing("web", with: "db").replacing("10.88", with: "10.89"))
        #expect(try host.apply("--scope", "other").status == 0)
        #expect(try host.bulkhead("destroy", "--all", "--yes", "--scope", "other").status == 0)
        let after = try HostDump(host)
        #expect(after.differences(from: before) == [])
        #expect(after.changedIdentities(from: before) == [])
    }

    @Test func withoutPruningNothingIsDeleted() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("web-1"), Manifests.endpoint("web-2"))
        #expect(try host.apply().status == 0)
        let before = try HostDump(host)
        try host.declare(Manifests.web, Manifests.endpoint("web-1"))
        #expect(try host.apply("--no-prune").status == 0)
        let after = try HostDump(host)
        #expect(after.changedIdentities(from: before) == [])
        #expect(after.identities["web-2"] != nil)
        #expect(try host.apply().status == 0)
        #expect(try HostDump(host).identities["web-2"] == nil)
    }

    @Test func deletingNearlyAllNeedsAWord() throws {
        let host = try ScratchHost()
        try host.declare(
            ([Manifests.web] + (1...4).map { Manifests.endpoint("web-\($0)") }).joined(separator: "\n---\n"))
        #expect(try host.apply().status == 0)
        try host.declare(Manifests.web, Manifests.endpoint("web-1"))
        try refuse(
            host,
            "bulkhead: this would delete 6 of the 9 objects of scope default; if that is meant, add --allow-mass-delete\n",
            apply)
        #expect(try host.apply("--allow-mass-delete").status == 0)
        #expect(try host.steps() == [])
        // A policy is an object, too, though nothing but rules.
        let rest = [Manifests.web, Manifests.endpoint("web-1")]
        try host.declare((rest + (1...6).map { Manifests.policy("p\($0)") }).joined(separator: "\n---\n"))
        #expect(try host.apply().status == 0)
        try host.declare(rest.joined(separator: "\n---\n"))
        try refuse(
            host,
            "bulkhead: this would delete 6 of the 9 objects of scope default; if that is meant, add --allow-mass-delete\n",
            apply)
        #expect(try host.apply("--allow-mass-delete").status == 0)
        #expect(try host.steps() == [])
    }

    /// What is not in the PATHs of a `destroy` stays, with all rules that guard it.
    @Test func destroyOfSomeLeavesTheRulesOfOthers() throws {
        let host = try ScratchHost()
        let rest = [
            Manifests.web, Manifests.endpoint("web-1"), Manifests.endpoint("web-2"), Manifests.policy("closed"),
        ]
        let db = Manifests.web.replacing("name: web", with: "name: db").replacing("10.88", with: "10.89")
        let other = [db, Manifests.endpoint("db-1", network: "db"), Manifests.policy("shut", network: "db")]
        // A card of the host, by which the remaining network forwards.
        try host.sh(
            "ip link add up0 type veth peer name up1 && ip address add 192.0.2.1/24 dev up0 && ip link set up0 up")
        try host.declare((rest + other).joined(separator: "\n---\n"))
        #expect(try host.apply().status == 0)
        try host.declare(other.joined(separator: "\n---\n"))
        let destroy = try host.bulkhead("destroy", "--yes", "manifests")
        #expect(destroy.status == 0, "\(destroy.errors)")
        #expect(try host.sh("cat /proc/sys/net/ipv4/conf/up0/forwarding") == "1\n")
        // The policy bites as before: real packets.
        let ping = ["ip", "netns", "exec", "web-2", "ping", "-c1", "-W1", "$ADDRESS"]
        let address = try host.sh("ip -n web-1 -4 -o address show dev eth0 | sed 's/.* inet \\([^/]*\\).*/\\1/'")
            .split(separator: "\n").joined()
        #expect(try host.run(ping.map { $0 == "$ADDRESS" ? address : $0 }).status == 1)
        #expect(
            try host.sh("nft list ruleset | grep -c -e ep-db -e shut -e locals-db -e locals_used-db || true") == "0\n")
        // One that is in force for those that stay cannot be taken away without a word of what holds then.
        try host.declare(Manifests.web, Manifests.endpoint("web-1"), Manifests.policy("closed"))
        try refuse(
            host,
            "Policy/closed is in force for endpoints that stay; apply the manifests without it instead, which say what "
                + "holds for them then", ["destroy", "--yes", "manifests"])
        try host.declare(rest.joined(separator: "\n---\n"))
        #expect(try host.apply().status == 0)
        #expect(try host.steps() == [])
        // The last ones take all with them.
        #expect(try host.bulkhead("destroy", "--yes", "manifests").status == 0)
        #expect(try host.sh("nft list tables; cat /proc/sys/net/ipv4/conf/up0/forwarding") == "0\n")
    }

    @Test func nothingToReadIsNoOrderToDelete() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("web-1"))
        #expect(try host.apply().status == 0)
        try host.sh("mkdir empty && : > empty.yaml && echo '# nothing' > comment.yaml")
        try refuse(host, "missing", ["apply", "--yes", "missing"])
        try refuse(host, "empty", ["apply", "--yes", "empty"])
        try refuse(host, "the manifests in empty.yaml hold no document", ["apply", "--yes", "empty.yaml"])
        try refuse(host, "the manifests in comment.yaml hold no document", ["apply", "--yes", "comment.yaml"])
        let standardInput = try host.bulkhead("apply", "--yes", "-", input: "")
        #expect(standardInput.status == 1)
    }

    @Test(arguments: ["at once", "later"])
    func whatIsProtectedOutlivesItsDocument(_ moment: String) throws {
        let host = try ScratchHost()
        let policy = Manifests.policy("closed")
        let plain = [Manifests.web, Manifests.endpoint("web-1"), Manifests.endpoint("keep"), policy]
        let compartment = """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Compartment
            metadata: {name: keep\(Manifests.protected)}
            spec: {}
            """
        let guarded = [
            policy.replacing("name: closed", with: "name: closed\(Manifests.protected)"),
            Manifests.web.replacing("name: web}", with: "name: web\(Manifests.protected)}"), plain[1],
            Manifests.endpoint("keep", annotations: Manifests.protected), compartment,
        ]
        if moment == "later" {
            try host.declare(plain.joined(separator: "\n---\n"))
            #expect(try host.apply().status == 0)
        }
        try host.declare(guarded.joined(separator: "\n---\n"))
        #expect(try host.apply().status == 0)
        #expect(try host.steps() == [])
        func message(_ owner: String, _ what: String) -> String {
            "\(owner) is protected (bulkhead.dev/prevent-destroy), and this would delete \(what); apply it once without "
                + "the annotation, then remove it"
        }
        try host.declare(
            Manifests.web.replacing("web", with: "other").replacing("10.88", with: "10.89"))
        for arguments in [apply + ["--allow-mass-delete"], ["destroy", "--all", "--yes"]] {
            try refuse(host, message("Network/web", "bh-web"), arguments)
            try refuse(host, message("Endpoint/keep", "ep-keep"), arguments)
            try refuse(host, message("Compartment/keep", "namespace keep"), arguments)
            try refuse(host, message("Policy/closed", "its rules"), arguments)
        }
        try host.declare(plain.joined(separator: "\n---\n"))
        try refuse(host, message("Network/web", "bh-web"), ["destroy", "--yes", "manifests"])
        #expect(try host.apply().status == 0)
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
    }

    /// The network of a protected endpoint, or its compartment, is destroyed by its document alone.
    @Test func whatAProtectedEndpointIsOnIsNotDestroyedBeneathIt() throws {
        let host = try ScratchHost()
        let room = """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Compartment
            metadata: {name: room}
            spec: {}
            """
        let lan = """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: lan}
            spec: {type: transparent, bridge: {existing: br0}, subnets: [{prefix: 192.0.2.0/24, gateway: 192.0.2.254}]}
            """
        try host.sh("ip link add br0 type bridge; ip link set br0 up")
        let plain = Manifests.endpoint("plain")
        try host.declare(
            Manifests.web, lan, room, plain,
            Manifests.endpoint("keep", "compartment: room", annotations: Manifests.protected),
            Manifests.endpoint("guest", "addresses: [192.0.2.10]", network: "lan", annotations: Manifests.protected))
        let apply = try host.apply()
        #expect(apply.status == 0, "\(apply.errors)")
        func message(_ name: String, _ what: String) -> String {
            "error: Endpoint/\(name) is protected (bulkhead.dev/prevent-destroy), and this would delete \(what); apply it "
                + "once without the annotation, then remove it\n"
        }
        let destroy = ["destroy", "--yes", "manifests"]
        try host.declare(Manifests.web)
        try refuse(host, message("keep", "bridge bh-web, which it is on"), destroy)
        try host.declare(room)
        try refuse(host, message("keep", "namespace room, which it is in"), destroy)
        try host.declare(lan)
        try refuse(host, message("guest", "the rules of its network on br0"), destroy)
        try host.declare(Manifests.web, plain)
        try refuse(host, message("keep", "bridge bh-web, which it is on"), destroy)
        // One that goes along says so itself, once.
        try host.declare(Manifests.web, Manifests.endpoint("keep"))
        let both = try host.bulkhead("destroy", "--yes", "manifests")
        #expect(both.status == 1)
        #expect(both.errors.split(separator: "\n").filter { $0.contains("protected") }.count == 1, "\(both.errors)")
        try host.declare(
            Manifests.web, lan, room, plain, Manifests.endpoint("keep", "compartment: room"),
            Manifests.endpoint("guest", "addresses: [192.0.2.10]", network: "lan"))
        #expect(try host.apply().status == 0)
        try host.declare(Manifests.web)
        #expect(try host.bulkhead("destroy", "--yes", "manifests").status == 0)
    }
}

extension String {
    fileprivate func replacing(_ text: String, with other: String) -> String {
        replacingOccurrences(of: text, with: other)
    }
}
