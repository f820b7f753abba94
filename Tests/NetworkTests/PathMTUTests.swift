import Foundation
import TestSupport
import Testing

/// Packets that are too large for the way out.
@Suite struct PathMTUTests {
    @Test(arguments: [("192.0.2.9", "mtu = 1300"), ("2001:db8::9", "mtu")])
    func theSenderIsToldWhateverPoliciesSay(_ address: String, _ words: String) throws {
        let web = try PolicyHost(["a"], network: "  mtu: 1500\n  isolation: {hostAccess: deny}")
        let lan = try web.neighbour()
        try web.host.sh("ip link set lan0 mtu 1300")
        try lan.sh("ip link set lan0 mtu 1300")
        try web.policies([
            (
                "a",
                """
                appliesTo: {endpoints: {matchLabels: {app: a}}}
                ingress: {default: deny}
                egress:
                  default: deny
                  rules: [{action: allow, to: [{cidr: 192.0.2.0/24}, {cidr: "2001:db8::/64"}]}]
                """
            )
        ])
        try web.apply()
        func ping(_ size: Int) throws -> ScratchHost.Result {
            try web.host.run(["ip", "netns", "exec", "a", "ping", "-c2", "-W10", "-M", "do", "-s", "\(size)", address])
        }
        #expect(try ping(1200).status == 0)
        let large = try ping(1400)
        #expect(large.status != 0)
        #expect((large.output + large.errors).contains(words), "\(large.output)\(large.errors)")
        // The endpoint has learnt it.
        #expect(try web.host.sh("ip -n a route get \(address)").contains("mtu 1300"))
    }
}
