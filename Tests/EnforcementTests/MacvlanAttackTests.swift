import Foundation
import TestSupport
import Testing

/// The same attacks where endpoints are macvlans of an uplink: against a sibling, and a router on the LAN.
@Suite struct MacvlanAttackTests {
    /// A host at 10.88.0.2, the router of the LAN at 10.88.0.1, and `a`, `b` and `m` between them.
    private struct Site {
        let web: PolicyHost
        let router: ScratchHost
        let rig: AttackRig

        /// As a tunnel, the router is a switch, too, which sends frames back by the port they came in by.
        init(isolated: Bool = false, addresses: Bool = true, isTunnel: Bool = false) throws {
            let isolation = isolated ? ", isolation: {intraNetwork: deny}" : ""
            let type = isTunnel ? "l2tunnel" : "transparent, attachment: macvlan"
            let text = AttackRig.documents(
                "type: \(type), uplink: {interface: eth1}\(isolation)", addresses: addresses)
            web = try PolicyHost([])
            try web.host.write("base.yaml", text)
            router = try ScratchHost()
            let outside = ["10.88.0.1/24", "fd00:88::1/64"]
            try router.connect(
                "port", isTunnel ? [] : outside, to: web.host, "eth1", ["10.88.0.2/24", "fd00:88::2/64"])
            if isTunnel {
                try router.sh(
                    "ip link add eth0 type bridge; ip link set port master eth0; bridge link set dev port hairpin on; "
                        + "ip link set eth0 up; ip address add \(outside[0]) dev eth0; ip address add \(outside[1]) dev eth0 nodad"
                )
            } else {
                try router.sh(
                    "ip link set port down; ip link set port name eth0; ip link set eth0 up; ip address replace \(outside[1]) dev eth0 nodad"
                )
            }
            try router.sh("while ip -6 addr show | grep -q tentative; do sleep 0.05; done")
            try web.apply()
            rig = AttackRig(web)
        }

        func mac(_ host: ScratchHost, _ link: String) throws -> String {
            try host.sh("cat /sys/class/net/\(link)/address").trimmingCharacters(in: .whitespacesAndNewlines)
        }

        /// The gateway is the router of the LAN.
        func people() throws -> [String: Any] {
            var people = try rig.people(bridge: "eth1")
            let gateway = try mac(router, "eth0")
            people["gateway"] = gateway
            people["gatewayLocal"] = AttackRig.linkLocal(gateway)
            return people
        }

        /// Sends from `m`: what the sibling `a` and the router see.
        func seen(_ attacks: [AttackRig.Attack]) throws -> (sibling: Set<String>, router: Set<String>) {
            let sibling = try rig.watch(attacks, "eth0", in: "a")
            let outside = AttackRig(router)
            let wire = try outside.watch(attacks, "eth0", in: nil)
            try rig.send(attacks)
            return (try rig.names(attacks, sibling), try outside.names(attacks, wire))
        }
    }

    /// On a tunnel all of it goes by the wire, where it is looked at: what is for one, and what is for all.
    @Test(arguments: kinds) func nothingForgedComesBackByATunnel(_ kind: String) throws {
        let site = try Site(isTunnel: true)
        let attacks = try site.rig.craft(kind, site.people()).filter { !$0.isInFragments }
        let seen = try site.seen(attacks)
        for attack in attacks {
            // A card hears only the groups that it listens to.
            let isHeard = attack.passes && (attack.isForOne || !attack.name.hasPrefix("dhcpv6"))
            #expect(seen.sibling.contains(attack.name) == isHeard, "\(attack.name)")
        }
        #expect(seen.router.isSubset(of: Set(attacks.filter(\.passes).map(\.name))), "\(seen.router)")
    }

    private static let kinds = ["spoofing", "discovery", "dhcp", "frames"]

    /// To one other endpoint, with its own MAC or another endpoint's, and on the wire. Of what comes in fragments the first one
    /// is stopped, without which nobody can do anything with the others.
    @Test(arguments: kinds) func forgedFramesReachNobody(_ kind: String) throws {
        let site = try Site()
        let people = try site.people()
        let attacks = try site.rig.craft(kind, people).filter { !$0.isInFragments }
        #expect(attacks.count > 5)
        let cards = ["own", "sibling"].compactMap { people[$0] as? String }
        let seen = try site.seen(attacks)
        for attack in attacks {
            if attack.isForOne, cards.contains(where: attack.isFrom) {
                #expect(seen.sibling.contains(attack.name) == attack.passes, "a: \(attack.name)")
            }
            let isOnTheWire = attack.isForOne ? false : attack.passes
            #expect(seen.router.contains(attack.name) == isOnTheWire, "router: \(attack.name)")
        }
    }

    /// What goes to the router itself.
    @Test func theRouterGetsNothingForged() throws {
        let site = try Site()
        var people = try site.people()
        (people["victim"], people["victim4"], people["victim6"]) = (people["gateway"], "10.88.0.1", "fd00:88::1")
        people["victimLocal"] = people["gatewayLocal"]
        // Addresses of the router are the attacker's target here, so that none of its is left to forge but the sibling's.
        let attacks = try site.rig.craft("spoofing", people).filter { $0.isForOne }
        let seen = try site.seen(attacks).router
        for attack in attacks { #expect(seen.contains(attack.name) == attack.passes, "\(attack.name)") }
    }

    /// What is in fragments is put together by who gets all of them.
    @Test func noDHCPAnswerInFragmentsArrives() throws {
        let site = try Site()
        let people = try site.people()
        let kinds = [("dhcp", "offer in fragments", "68"), ("policies", "allowed port in fragments", "7000")]
        for (kind, name, port) in kinds {
            let attacks = try site.rig.craft(kind, people).filter { $0.name == name }
            #expect(attacks.count == 1)
            let listener = try site.rig.listen(attacks, port: port, in: "a")
            try site.rig.send(attacks)
            #expect(try site.rig.names(attacks, listener).count == (kind == "dhcp" ? 0 : 1), "\(name)")
        }
    }

    /// With `intraNetwork: deny` no frame of one reaches another, whomever it is for.
    @Test(arguments: kinds) func theIsolatedHearNothingOfEachOther(_ kind: String) throws {
        let site = try Site(isolated: true)
        let attacks = try site.rig.craft(kind, site.people())
        let seen = try site.seen(attacks)
        #expect(seen.sibling == [])
        let whole = attacks.filter { !$0.isInFragments }.map(\.name)
        #expect(
            seen.router.intersection(whole).isSubset(of: Set(attacks.filter(\.passes).map(\.name))), "\(seen.router)")
        // The rig sees what there is to see.
        if kind == "spoofing" { #expect(seen.router.contains("control arp")) }
    }

    @Test func whoHasNoAddressTakesNobodys() throws {
        let site = try Site(addresses: false)
        let attacks = try site.rig.craft("impersonation", site.people())
        let seen = try site.seen(attacks)
        for attack in attacks {
            if attack.isForOne {
                #expect(seen.sibling.contains(attack.name) == attack.passes, "a: \(attack.name)")
            } else {
                #expect(seen.router.contains(attack.name) == attack.passes, "router: \(attack.name)")
            }
        }
    }

    /// With the MAC of the host's own interface: nothing to endpoints, and nothing with their addresses or the gateway's.
    @Test func theHostsMACHelpsLittle() throws {
        let site = try Site()
        var people = try site.people()
        let host = try site.mac(site.web.host, "eth1")
        people["own"] = host
        let toSibling = try site.rig.craft("spoofing", people).filter {
            $0.isForOne && $0.isFrom(host)
        }
        #expect(toSibling.count > 10)
        #expect(try site.seen(toSibling).sibling == [])
        (people["victim"], people["victim4"], people["victim6"]) = (people["gateway"], "10.88.0.77", "fd00:88::77")
        let toRouter = try site.rig.craft("spoofing", people).filter { attack in
            attack.isFrom(host)
                && ["of a sibling", "of the gateway", "for a sibling", "for the gateway", "control"]
                    .contains { attack.name.contains($0) }
                && !attack.name.contains("link-local")
        }
        #expect(toRouter.count > 5)
        #expect(try site.seen(toRouter).router == [])
    }

    /// What docs/physical-network.md says that the host cannot tell; where that changes, the page does.
    @Test func whatTheHostDoesNotSeeIsAsThePageSays() throws {
        let site = try Site()
        var people = try site.people()
        let isolated = try Site(isolated: true)
        // As the sibling, MAC and address together.
        for role in ["", "4", "6", "Local"] { people["own\(role)"] = people["sibling\(role)"] }
        let asSibling = try site.rig.craft("spoofing", people).filter { $0.name.hasPrefix("control udp") }
        #expect(try site.seen(asSibling).sibling.count == 2)
        // As anybody on the LAN, to one other.
        let asOthers = try site.rig.craft("spoofing", site.people()).filter {
            ["forged mac", "mac of the gateway"].contains($0.name)
        }
        #expect(try site.seen(asOthers).sibling.count == 2)
        // To all others at once.
        let toAll = try site.rig.craft("spoofing", site.people()).filter { $0.name == "arp for the gateway" }
        #expect(try site.seen(toAll).sibling.count == 1)
        #expect(try isolated.seen(isolated.rig.craft("spoofing", isolated.people())).sibling == [])
    }
}

extension AttackRig.Attack {
    /// Whether a frame has that MAC as its source.
    fileprivate func isFrom(_ mac: String) -> Bool { frames[0].dropFirst(12).hasPrefix(mac.hex) }

    /// Whether a packet of IPv4 is parted: the first fragment has the header, the last one the marker.
    fileprivate var isInFragments: Bool { frames.count > 1 && frames[0].dropFirst(24).hasPrefix("0800") }

    /// Whether its frames are for one card.
    fileprivate var isForOne: Bool {
        frames.allSatisfy { frame in UInt8(frame.prefix(2), radix: 16).map { $0 & 1 == 0 } ?? false }
    }
}

extension String {
    /// A MAC as a frame has it.
    fileprivate var hex: String { replacingOccurrences(of: ":", with: "") }
}
