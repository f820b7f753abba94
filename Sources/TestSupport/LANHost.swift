internal import Foundation

/// The host under test with a neighbour on its LAN, `192.0.2.9` and `2001:db8::9` to the host's `.1` and `::1`.
extension PolicyHost {
    /// Lays the cable; the neighbour has routes to the endpoints through the host.
    public func neighbour() throws -> ScratchHost {
        let other = try ScratchHost()
        try host.connect(
            "lan0", ["192.0.2.1/24", "2001:db8::1/64"], to: other, "lan0", ["192.0.2.9/24", "2001:db8::9/64"])
        // Addresses of the cable itself are link-local ones, too, and those are checked for duplicates first.
        for one in [host, other] {
            try one.sh("until ! ip -6 addr show dev lan0 | grep -q tentative; do sleep 0.05; done")
        }
        try other.sh("ip route add 10.88.0.0/24 via 192.0.2.1; ip route add fd00:88::/64 via 2001:db8::1")
        return other
    }
}

extension ScratchHost {
    /// What the probe says on this host itself.
    public func probe(_ arguments: String...) throws -> String {
        String(try run(["python3", PolicyHost.probe] + arguments).output.prefix { $0 != "\n" })
    }

    /// Starts a server on this host itself and waits until it listens.
    public func serve(_ arguments: String...) throws -> RunningProcess {
        let server = try start(["python3", PolicyHost.probe] + arguments)
        server.waitForOutput()
        return server
    }
}
