import Foundation
import TestSupport
import Testing

/// The same attacks behind the host's own MAC (`l2bridge`): a compartment with every capability against its sibling, the host
/// and a machine on the LAN.
@Suite struct RoutedAttackTests {
    /// A host at 10.88.0.2 that has 10.88.0.1 for its endpoints `a`, `b` and `m`, and a machine of the LAN at 10.88.0.254.
    private struct Site {
        let web: PolicyHost
        let lan: ScratchHost
        let rig: AttackRig

        init() throws {
            let text = AttackRig.documents("type: l2bridge, uplink: {interface: eth1}")
            web = try PolicyHost([])
            try web.host.write("base.yaml", text)
            lan = try ScratchHost()
            try lan.connect(
                "eth0", ["10.88.0.254/24", "fd00:88::254/64"], to: web.host, "eth1", ["10.88.0.2/24", "fd00:88::2/64"])
            for one in [lan, web.host] {
                try one.sh("while ip -6 addr show | grep -q tentative; do sleep 0.05; done")
            }
            try web.policies([])
            try web.apply()
            rig = AttackRig(web)
        }

        /// Sends from `m`; what passed of that which may not, and what did not of the controls, as the sibling, the host and the
        /// LAN see it.
        func wrongs(_ kind: String) throws -> [String] {
            try rig.wrongs(rig.craft(kind, rig.people()), bridge: "bh-web", outside: ("lan", lan))
        }
    }

    @Test func forgedAddressesReachNobody() throws {
        let site = try Site()
        for kind in ["spoofing", "discovery", "dhcp", "frames"] {
            let wrongs = try site.wrongs(kind)
            #expect(wrongs == [], "\(kind)")
        }
    }

    /// Towards the LAN, by the host's MAC: addresses of the sibling, of the host, of the LAN and of nobody.
    @Test func nothingForgedLeavesByTheUplink() throws {
        let site = try Site()
        let people = try site.rig.people()
        for (four, six, passes) in [
            ("10.88.0.12", "fd00:88::12", true), ("10.88.0.11", "fd00:88::11", false),
            ("10.88.0.2", "fd00:88::2", false), ("10.88.0.254", "fd00:88::254", false),
            ("10.88.0.99", "fd00:88::99", false), ("198.51.100.9", "2001:db8::9", false),
        ] {
            var forged = people
            (forged["own4"], forged["own6"]) = (four, six)
            (forged["victim4"], forged["victim6"]) = ("10.88.0.254", "fd00:88::254")
            forged["victim"] = people["gateway"]
            let attacks = try site.rig.craft("spoofing", forged).filter { $0.name.hasPrefix("control udp") }
            #expect(attacks.count == 2)
            let watcher = try AttackRig(site.lan).watch(attacks, "eth0", in: nil)
            try site.rig.send(attacks)
            #expect(try site.rig.names(attacks, watcher).count == (passes ? 2 : 0), "\(four)")
        }
    }

    /// A policy holds on the bridge and by way of the host, whichever MAC a frame is sent to.
    @Test func aPolicyHoldsOnBothWaysToASibling() throws {
        let site = try Site()
        let people = try site.rig.people()
        func heard() throws -> [Int] {
            try [people["victim"], people["gateway"]].map { mac in
                var ways = people
                ways["victim"] = mac
                let attacks = try site.rig.craft("spoofing", ways).filter { $0.name.hasPrefix("control udp") }
                return try site.rig.seen(attacks).count
            }
        }
        #expect(try heard() == [2, 2])
        try site.web.policies([("in", "appliesTo: {endpoints: {matchLabels: {app: a}}}\ningress: {default: deny}")])
        try site.web.apply()
        #expect(try heard() == [0, 0])
    }
}
