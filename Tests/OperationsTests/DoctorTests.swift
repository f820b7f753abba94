import Foundation
import TestSupport
import Testing

/// `doctor`: what is there, who else is there, and remedies that work.
@Suite struct DoctorTests {
    private struct Finding: Hashable {
        var level: String
        var subject: String
        var message: String
        var remedy: [String]
    }

    private func findings(_ host: ScratchHost, _ paths: String...) throws -> [Finding] {
        let result = try host.run([ScratchHost.binary, "doctor", "--output", "json"] + paths)
        let document = try #require(JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        #expect(document["format"] as? String == "bulkhead.doctor/v1")
        return (document["findings"] as? [[String: Any]] ?? []).map { item in
            Finding(
                level: item["level"] as? String ?? "", subject: item["subject"] as? String ?? "",
                message: item["message"] as? String ?? "", remedy: item["remedy"] as? [String] ?? [])
        }
    }

    /// What iproute2 can make here is what the kernel is said to have.
    @Test func theKernelIsAskedAndNotItsVersion() throws {
        let host = try ScratchHost()
        let before = try HostDump(host)
        let found = try findings(host)
        let has = try #require(found.first { $0.subject == "kernel" && $0.level == "ok" }).message
        #expect(
            has.hasPrefix("has bridge, veth, nftables, family inet, connection labels, nftables, family bridge"),
            "\(has)")
        try host.sh("ip link add up0 type veth peer name up1")
        for kind in ["vlan", "macvlan", "macvtap", "vxlan"] {
            let options = ["vlan": "link up0 type vlan id 5", "vxlan": "type vxlan id 5 dstport 4789"]
            let line = "link add probe \(options[kind] ?? "link up0 type \(kind)")"
            let isThere = try host.run(["sh", "-c", "ip \(line) && ip link del probe"]).status == 0
            #expect(has.contains(", \(kind)") == isThere, "\(kind): \(has)")
            let lack = found.first { $0.message.hasPrefix("has no \(kind) (") }
            #expect((lack == nil) == isThere, "\(kind)")
            #expect(lack.map { $0.level == "warning" && $0.message.hasSuffix(" need it") } ?? true)
        }
        try host.sh("ip link del up0")
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(found.contains { $0.subject == "owners" && $0.level == "ok" })
        let text = try host.bulkhead("doctor")
        #expect(text.status == 0)
        #expect(text.output.hasPrefix("ok       kernel: has bridge, veth"))
        #expect(try !host.bulkhead("doctor", "--quiet").output.contains("ok  "))
    }

    @Test func othersAreFoundByWhatTheyLeave() throws {
        let host = try ScratchHost()
        try host.sh(
            """
            for link in docker0 podman0 virbr0 cni0; do ip link add $link type bridge; done
            mkdir -p /run/NetworkManager /run/systemd/netif /run/udev /run/firewalld; touch /run/udev/control
            nft add table inet netavark
            """)
        let found = try findings(host)
        let levels = Dictionary(found.map { ($0.subject, $0.level) }, uniquingKeysWith: { first, _ in first })
        for (subject, level) in [
            ("Docker", "note"), ("Podman", "note"), ("libvirt", "note"), ("Kubernetes CNI", "note"),
            ("firewalld", "warning"), ("NetworkManager", "warning"), ("systemd-networkd", "warning"),
            ("udev", "warning"),
        ] { #expect(levels[subject] == level, "\(subject)") }
        #expect(levels["owners"] == nil)
        let manager = try #require(found.first { $0.subject == "NetworkManager" })
        #expect(
            manager.remedy == [
                "bulkhead doctor --rules networkmanager > /etc/NetworkManager/conf.d/90-bulkhead.conf",
                "nmcli general reload",
            ])
        #expect(!found.contains { $0.subject == "firewall" })
    }

    @Test func readyMadeFilesAreRead() throws {
        let host = try ScratchHost()
        #expect(
            try host.bulkhead("doctor", "--rules", "networkmanager").output
                == """
                # Links of bulkhead are not NetworkManager's.
                [keyfile]
                unmanaged-devices+=interface-name:bh-*;interface-name:ep-*;interface-name:vx-*

                """)
        for (name, section) in [("networkd", "Name=bh-* ep-* vx-*"), ("udev", "OriginalName=bh-* ep-* vx-*")] {
            let text = try host.bulkhead("doctor", "--rules", name).output
            #expect(text.contains("[Match]\n\(section)\n\n[Link]\n"))
        }
        #expect(try host.bulkhead("doctor", "--rules", "nobody").status == 64)
        // On a file system of the host's own, what was put there is seen.
        let line = try host.sh(
            """
            mkdir -p /run/systemd/netif upper work etc-network
            mount -t tmpfs tmpfs /etc
            mkdir -p /etc/systemd/network
            \(ScratchHost.binary) doctor --rules networkd > /etc/systemd/network/05-bulkhead.network
            \(ScratchHost.binary) doctor | grep networkd
            """)
        #expect(line == "ok       systemd-networkd: was told to leave bulkhead's links alone\n")
    }

    /// Who configures the very card that a network has taken is found, and no more once the remedies were typed.
    @Test func whoConfiguresAnUplinkIsFoundAndTheRemediesWork() throws {
        let host = try ScratchHost()
        try host.sh("ip link add eth1 type veth peer name cable; ip link set eth1 up; ip link set cable up")
        try host.declare(
            """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: lan}
            spec: {type: transparent, uplink: {interface: eth1}}
            """)
        let applied = try host.bulkhead("apply", "--yes", "manifests")
        try #require(applied.status == 0, "\(applied)")
        try host.sh(
            """
            mount -t tmpfs tmpfs /etc
            mkdir -p /run/systemd/netif /run/NetworkManager /etc/sysctl.d /etc/systemd/network
            mkdir -p /etc/NetworkManager/conf.d /etc/NetworkManager/system-connections
            printf '[Match]\\nName=wlan* lo\\n[Network]\\nDHCP=yes\\n' > /etc/systemd/network/10-other.network
            printf '# wide\\n[Match]\\nName=e*1\\n[Network]\\nDHCP=yes\\n' > /etc/systemd/network/20-wired.network
            printf '[connection]\\nid=w\\ninterface-name=eth1\\n' > /etc/NetworkManager/system-connections/w.nmconnection
            printf 'net.ipv4.conf.eth1.rp_filter = 1\\nnet.ipv4.conf.eth10.rp_filter = 1\\n' > /etc/sysctl.d/9.conf
            """)
        func uplinks() throws -> [Finding] {
            try findings(host).filter { $0.message.hasPrefix("may change eth1, which is the uplink of bh-lan: ") }
        }
        let found = try uplinks()
        #expect(found.map(\.subject) == ["systemd-networkd", "NetworkManager", "sysctl"])
        #expect(
            found.map { String($0.message.trimmingPrefix("may change eth1, which is the uplink of bh-lan: ")) } == [
                "/etc/systemd/network/20-wired.network configures it",
                "the profile /etc/NetworkManager/system-connections/w.nmconnection is for it",
                "/etc/sysctl.d/9.conf sets net.ipv4.conf.eth1.rp_filter = 1, and bh-lan has its addresses now",
            ])
        // What reloads a daemon has none to talk to here.
        for command in found.flatMap(\.remedy) where !command.hasSuffix("reload") { try host.sh(command) }
        #expect(try uplinks() == [])
        #expect(
            try host.sh("cat /etc/sysctl.d/9.conf")
                == "net.ipv4.conf.bh-lan.rp_filter = 1\nnet.ipv4.conf.eth10.rp_filter = 1\n")
    }

    /// A name may hold what a shell, a pattern or a list obeys: the remedies are for that card all the same.
    @Test func remediesForACardWithAnOddNameWorkAsTheyArePrinted() throws {
        let host = try ScratchHost()
        let name = "e$x;'*1"
        try host.run(["ip", "link", "add", name, "type", "veth", "peer", "name", "cable"])
        let mac = "02:00:00:00:00:2a"
        try host.run(["ip", "link", "set", name, "address", mac, "up"])
        try host.sh("ip link set cable up")
        try host.declare(
            """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: lan}
            spec: {type: transparent, uplink: {mac: "\(mac)"}}
            """)
        try host.sh(
            """
            mount -t tmpfs tmpfs /etc
            mkdir -p /run/systemd/netif /run/NetworkManager /etc/sysctl.d /etc/systemd/network
            mkdir -p /etc/NetworkManager/conf.d /etc/NetworkManager/system-connections
            printf '[Match]\\nName=e*\\n[Network]\\nDHCP=yes\\n' > '/etc/systemd/network/03 wired.network'
            printf '[connection]\\nid=w\\n[ethernet]\\nmac-address=02:00:00:00:00:2A\\n' \
                > '/etc/NetworkManager/system-connections/Wired 1.nmconnection'
            """)
        try host.run(
            ["sh", "-c", "cat > /etc/sysctl.d/9.conf"], input: "net/ipv4/conf/\(name)/rp_filter = 1\n")
        let before = try HostDump(host)
        func uplinks(_ role: String) throws -> [Finding] {
            try findings(host, "manifests").filter {
                $0.message.hasPrefix("may change \(name), which \(role) bh-lan: ")
            }
        }
        // Before the card is taken, by the manifests that are going to take it.
        let found = try uplinks("becomes the uplink of")
        #expect(found.map(\.subject) == ["systemd-networkd", "NetworkManager", "sysctl"])
        #expect(try HostDump(host).differences(from: before) == [])
        let applied = try host.bulkhead("apply", "--yes", "manifests")
        try #require(applied.status == 0, "\(applied)")
        #expect(try uplinks("is the uplink of").count == 3)
        for command in found.flatMap(\.remedy) where !command.hasSuffix("reload") { try host.sh(command) }
        #expect(try uplinks("is the uplink of") == [])
        #expect(try host.sh("cat /etc/sysctl.d/9.conf") == "net/ipv4/conf/bh-lan/rp_filter = 1\n")
        // The new file comes before the one that was there.
        #expect(try host.sh("ls /etc/systemd/network").contains("0-bulkhead-\(name).network\n"))
    }

    /// A host whose manifests are going to take the interface `eth1.5`, and on which those programs run.
    private func hostWithOddUplink() throws -> ScratchHost {
        let host = try ScratchHost()
        try host.sh("ip link add eth1.5 type veth peer name cable; ip link set eth1.5 up; ip link set cable up")
        try host.declare(
            """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: lan}
            spec: {type: transparent, uplink: {interface: eth1.5}}
            """)
        try host.sh(
            """
            mount -t tmpfs tmpfs /etc
            mkdir -p /run/systemd/netif /run/NetworkManager/conf.d /run/sysctl.d /etc/sysctl.d
            mkdir -p /etc/systemd/network/20-all.network.d /run/systemd/network/20-all.network.d /etc/NetworkManager/conf.d
            """)
        return host
    }

    private func subjects(_ host: ScratchHost, _ script: String) throws -> [String] {
        try host.sh(script)
        return try findings(host, "manifests").filter { $0.message.hasPrefix("may change eth1.5, ") }.map(\.subject)
    }

    /// What counts is what those programs make of all their folders.
    @Test func foldersAreReadInTheOrderOfThoseWhoseTheyAre() throws {
        let host = try hostWithOddUplink()
        // networkd: all that [Match] says must hold; a drop-in of any folder adds to it, and /etc hides /run.
        let network = "/run/systemd/network/20-all.network"
        let managed = "[keyfile]\\nunmanaged-devices=interface-name:eth*\\n"
        let conf = "/etc/NetworkManager/conf.d"
        #expect(
            try subjects(
                host,
                "printf '[Match]\\nType=ether\\n[Network]\\nDHCP=yes\\n' > \(network); "
                    + "printf '\(managed)' > \(conf)/1.conf")
                == ["systemd-networkd"])
        #expect(try subjects(host, "printf '[Match]\\nKind=!veth bond\\n' > \(network).d/a.conf") == [])
        #expect(try subjects(host, "printf '[Match]\\nKind=\\n' > \(network).d/b.conf") == ["systemd-networkd"])
        #expect(
            try subjects(host, "printf '[Link]\\nUnmanaged=yes\\n' > /etc/systemd/network/20-all.network.d/c.conf")
                == [])
        #expect(
            try subjects(host, "ln -sf /dev/null /etc/systemd/network/20-all.network.d/c.conf") == ["systemd-networkd"])
        #expect(try subjects(host, "ln -sf /dev/null /etc/systemd/network/20-all.network") == [])
        // NetworkManager: later files take back what earlier ones said.
        #expect(
            try subjects(host, "printf '[keyfile]\\nunmanaged-devices-=interface-name:eth*\\n' > \(conf)/2.conf")
                == ["NetworkManager"])
        #expect(
            try subjects(
                host, "printf '[device-x]\\nmatch-device=interface-name:eth?.[5]\\nmanaged=0\\n' > \(conf)/3.conf")
                == [])
        #expect(
            try subjects(
                host,
                "printf '[device-x]\\nmatch-device=interface-name:eth*,except:interface-name:=eth1.5\\n' "
                    + "> \(conf)/4.conf")
                == ["NetworkManager"])
        #expect(try subjects(host, "printf '[keyfile]\\nunmanaged-devices+=*\\n' > \(conf)/5.conf") == [])
    }

    /// Dots of a name, a file that another one hides, and one that is not in /etc, which is not edited.
    @Test func settingsAreFoundWhereverTheyStand() throws {
        let host = try hostWithOddUplink()
        try host.sh("rm -r /run/NetworkManager /run/systemd/netif")
        let setting = "printf 'net.ipv4.conf.eth1/5.rp_filter=1\\n-net.ipv4.conf.eth1/5.log_martians\\n'"
        #expect(try subjects(host, "\(setting) > /run/sysctl.d/5.conf; ln -s /dev/null /etc/sysctl.d/5.conf") == [])
        #expect(try subjects(host, "rm /etc/sysctl.d/5.conf") == ["sysctl"])
        let remedy = try #require(
            findings(host, "manifests").first {
                $0.subject == "sysctl" && $0.message.hasPrefix("may change eth1.5, ")
            }
        ).remedy
        for command in remedy { try host.sh(command) }
        #expect(
            try host.sh("cat /run/sysctl.d/5.conf /etc/sysctl.d/5.conf")
                == """
                net.ipv4.conf.eth1/5.rp_filter=1
                -net.ipv4.conf.eth1/5.log_martians
                net.ipv4.conf.bh-lan.rp_filter=1
                -net.ipv4.conf.bh-lan.log_martians

                """)
        #expect(try subjects(host, "true") == [])
        // Debian's link to /etc/sysctl.conf is one file.
        #expect(
            try subjects(host, "\(setting) > /etc/sysctl.conf; ln -s ../sysctl.conf /etc/sysctl.d/99-sysctl.conf") == [
                "sysctl"
            ])
    }

    /// What stands against manifests is a problem, and the rest is still told.
    @Test func manifestsThatCannotBeAppliedAreToldOf() throws {
        let host = try ScratchHost()
        try host.declare(
            """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: lan}
            spec: {type: transparent, uplink: {interface: eth9}}
            """)
        let result = try host.bulkhead("doctor", "--quiet", "manifests")
        #expect(result.status == 1)
        #expect(result.output.contains("problem  manifests: "), "\(result)")
        #expect(result.output.contains("the uplink eth9 is not there"), "\(result)")
        #expect(try host.bulkhead("doctor", "nowhere").status == 1)
    }

    /// Cards that were taken over, or named by `hostInterface`, have names of their own.
    @Test func linksWithNamesOfTheirOwnAreInTheFiles() throws {
        let host = try ScratchHost()
        try host.declare(
            Documents.network, Documents.endpoint("a", ", hostInterface: web1"), Documents.endpoint("b"),
            Documents.endpoint("c", ", hostInterface: \"a;b\""))
        try #require(try host.bulkhead("apply", "--yes", "manifests").status == 0)
        try host.sh(
            "mkdir -p /run/systemd/netif /run/NetworkManager; mount -t tmpfs tmpfs /etc; mkdir -p /etc/systemd/network")
        for (name, line) in [
            (
                "networkmanager",
                "unmanaged-devices+=interface-name:bh-*;interface-name:ep-*;interface-name:vx-*;interface-name:web1\n"
            ),
            ("networkd", "\nName=bh-* ep-* vx-* web1\n"), ("udev", "\nOriginalName=bh-* ep-* vx-* web1\n"),
        ] {
            let text = try host.bulkhead("doctor", "--rules", name).output
            #expect(text.contains(line), "\(text)")
        }
        // A file of before is not all of it.
        let file = "/etc/systemd/network/05-bulkhead.network"
        try host.sh("\(ScratchHost.binary) doctor --rules networkd | sed 's/ web1//' > \(file)")
        func networkd() throws -> Finding? { try findings(host).first { $0.subject == "systemd-networkd" } }
        #expect(try networkd()?.level == "warning")
        try host.sh("\(ScratchHost.binary) doctor --rules networkd > \(file)")
        #expect(try networkd()?.level == "ok")
    }

    /// Somebody's chain drops what the manifests allow; the remedy, typed as it is printed, lets it through.
    @Test(arguments: [
        ("inet", "filter", "forward", "nft insert rule inet filter forward "),
        ("ip", "strict", "FORWARD", "nft insert rule ip strict FORWARD "),
    ]) func theRemedyForAForeignChainWorks(_ family: String, _ table: String, _ chain: String, _ command: String) throws
    {
        let host = try ScratchHost()
        try host.declare(
            """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: one}
            spec: {type: nat, subnets: [{prefix: 10.1.0.0/24}], peerNetworks: [{network: two}]}
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: two}
            spec: {type: nat, subnets: [{prefix: 10.2.0.0/24}], peerNetworks: [{network: one}]}
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Endpoint
            metadata: {name: a}
            spec: {network: one}
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Endpoint
            metadata: {name: b}
            spec: {network: two, addresses: [10.2.0.10]}

            """)
        #expect(try host.bulkhead("apply", "--yes", "manifests").status == 0)
        #expect(try host.ping("10.2.0.10", from: "a"))
        try host.sh(
            "nft 'add table \(family) \(table); add chain \(family) \(table) \(chain) { type filter hook forward priority 0; policy drop; }'"
        )
        #expect(try !host.ping("10.2.0.10", from: "a", isExpected: false))
        let found = try #require(findings(host).first { $0.subject == "firewall" })
        #expect(found.level == "warning")
        #expect(found.message.hasPrefix("table \(family) \(table), chain \(chain) drops forwarded packets"), "\(found)")
        #expect(found.remedy.allSatisfy { $0.hasPrefix(command) })
        // The plan and the result of an apply say the same.
        let warning = "warning: \(found.message) " + found.remedy.map { "`\($0)`" }.joined(separator: " and ")
        #expect(warning.hasPrefix("warning: table \(family) \(table), chain \(chain) drops forwarded packets"))
        for arguments in [["plan", "manifests"], ["apply", "--yes", "manifests"]] {
            let result = try host.run([ScratchHost.binary] + arguments)
            #expect(result.status == 0)
            #expect((result.output + result.errors).contains(warning), "\(result.output)\(result.errors)")
        }
        let json = try host.bulkhead("apply", "--yes", "manifests", "--output", "json")
        #expect(json.output.contains("drops forwarded packets that none of its rules lets through"), "\(json.output)")
        for line in found.remedy { try host.sh(line) }
        #expect(try host.ping("10.2.0.10", from: "a"))
        #expect(try findings(host).allSatisfy { $0.subject != "firewall" })
        let plan = try host.bulkhead("plan", "manifests")
        #expect(!(plan.output + plan.errors).contains("drops forwarded packets"))
    }

    /// What a rule lets through in part, or in a chain that only some packets come to, does not count.
    @Test(arguments: [
        (
            "add rule ip filter DOCKER-USER iifname \"bh-*\" accept; add rule ip filter DOCKER-USER oifname \"bh-*\" accept",
            true
        ),
        ("add rule ip filter DOCKER-USER iifname \"bh-*\" counter accept", false),
        (
            "add rule ip filter DOCKER-USER iifname \"bh-*\" accept; add rule ip filter DOCKER-USER oifname \"bh-web\" accept",
            false
        ),
        (
            "add rule ip filter DOCKER-USER iifname \"bh-*\" tcp dport 80 accept; add rule ip filter DOCKER-USER oifname \"bh-*\" accept",
            false
        ),
        // Something ends the way before them.
        (
            "add rule ip filter DOCKER-USER return; add rule ip filter DOCKER-USER iifname \"bh-*\" accept; add rule ip filter DOCKER-USER oifname \"bh-*\" accept",
            false
        ),
        (
            "add rule ip filter DOCKER-USER goto OTHER; add rule ip filter DOCKER-USER iifname \"bh-*\" accept; add rule ip filter DOCKER-USER oifname \"bh-*\" accept",
            false
        ),
        (
            "add rule ip filter DOCKER-USER drop; add rule ip filter FORWARD iifname \"bh-*\" accept; add rule ip filter FORWARD oifname \"bh-*\" accept",
            false
        ),
        // Each that is there, as ufw has them.
        (
            "add rule ip filter DOCKER-USER iifname { \"bh-web\", \"bh-lab\" } accept; add rule ip filter DOCKER-USER oifname \"bh-web\" accept; add rule ip filter DOCKER-USER oifname \"bh-lab\" accept",
            true
        ),
        ("add rule ip filter OTHER iifname \"bh-*\" accept; add rule ip filter OTHER oifname \"bh-*\" accept", false),
        (
            "add rule ip filter FORWARD iifname \"bh-*\" accept; add rule ip filter DOCKER-USER counter oifname \"bh-*\" accept",
            true
        ),
    ]) func rulesThatLetBridgesThroughAreSeen(_ rules: String, _ isLetThrough: Bool) throws {
        let host = try ScratchHost()
        try host.sh(
            """
            ip link add bh-web type bridge; ip link add bh-lab type bridge
            nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }
            add chain ip filter DOCKER-USER; add chain ip filter OTHER
            add rule ip filter FORWARD counter jump DOCKER-USER; add rule ip filter FORWARD iifname "eth9" jump OTHER'
            nft '\(rules)'
            """)
        #expect(try findings(host).contains { $0.subject == "firewall" } == !isLetThrough)
    }

    @Test func aChainOfIptablesGetsItsOwnKindOfRemedy() throws {
        let host = try ScratchHost()
        try host.sh(
            "nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'"
        )
        let plain = try #require(findings(host).first { $0.subject == "firewall" })
        #expect(plain.remedy == ["iptables -I FORWARD -i bh-+ -j ACCEPT", "iptables -I FORWARD -o bh-+ -j ACCEPT"])
        try host.sh("ip link add docker0 type bridge")
        let docker = try #require(findings(host).first { $0.subject == "firewall" })
        #expect(
            docker.remedy == ["iptables -I DOCKER-USER -i bh-+ -j ACCEPT", "iptables -I DOCKER-USER -o bh-+ -j ACCEPT"])
    }
}
