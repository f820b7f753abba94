import TestSupport
import Testing

/// An address inside a network's prefix that nobody has: the model, `trace` and packets say the same.
@Suite struct VacancyTests {
    @Test(arguments: ["10.88.0.200", "fd00:88::200"])
    func nobodyIsThere(_ address: String) throws {
        let web = try PolicyHost(["a", "m"], network: "  inbound: routed")
        let lan = try web.neighbour()
        try web.apply()
        let outside = address.contains(":") ? "2001:db8::9" : "192.0.2.9"
        for (from, to) in [("a", address), (address, "a"), ("host", address), (outside, address)] {
            let trace = try web.host.bulkhead("trace", from, to, "manifests", "--protocol", "udp", "--port", "7000")
            #expect(
                trace.status == 2 && trace.output.contains("closed: nobody on Network/web has \(address)"),
                "\(trace.output)")
        }
        #expect(try !web.host.ping(address, from: "a", isExpected: false))
        #expect(try !web.host.ping(address, isExpected: false))
        #expect(try !lan.ping(address, isExpected: false))
        // Nobody may take it, either.
        try web.host.sh(
            "ip -n m address add \(address)/\(address.contains(":") ? "64" : "24") dev eth0 \(address.contains(":") ? "nodad" : "")"
        )
        #expect(try !web.host.ping(address, from: "a", isExpected: false))
        #expect(try !lan.ping(address, isExpected: false))
        // What somebody has is reached by all three.
        let there = address.contains(":") ? "fd00:88::11" : "10.88.0.11"
        #expect(try web.host.ping(there, from: "a"))
        #expect(try web.host.ping(there))
        #expect(try lan.ping(there))
    }
}
