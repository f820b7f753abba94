import Foundation
import TestSupport
import Testing

/// Every folder of `examples/` does what a reader would try with it: it is valid, is applied, is in sync afterwards, is
/// repaired when somebody changes things by hand, and leaves nothing when it is destroyed.
@Suite struct ExampleTests {
    @Test func examplesAreFound() { #expect(Example.all.count > 10) }

    @Test(arguments: Example.all) func isValid(_ example: Example) throws {
        let host = try ScratchHost()
        let result = try host.bulkhead("validate", example.path)
        #expect(result.status == 0, "\(result.errors)")
    }

    @Test(arguments: Example.all.filter { !$0.wantsVLAN && !$0.wantsRouting }) func livesItsWholeLife(
        _ example: Example
    ) throws {
        for name in example.hosts { try Life(example, on: name).lead() }
    }

    @Test(
        .enabled(if: Example.hasVLANs, "this kernel has no VLANs; StockKernelTests take them to one that has"),
        arguments: Example.all.filter(\.wantsVLAN))
    func livesItsWholeLifeOnAVLAN(_ example: Example) throws {
        for name in example.hosts { try Life(example, on: name).lead() }
    }

    @Test(
        .enabled(if: RoutingDaemons.areThere, Comment(rawValue: RoutingDaemons.reason)),
        arguments: Example.all.filter(\.wantsRouting))
    func livesItsWholeLifeBesideFRR(_ example: Example) throws {
        for name in example.hosts { try Life(example, on: name).lead() }
    }

    /// Small systems have no list of protocols; what was made with one is the same without, and the other way round.
    @Test(
        .enabled(if: FileManager.default.fileExists(atPath: "/etc/protocols"), "there is no /etc/protocols to hide"),
        arguments: Example.all.filter { ["quickstart", "outbound-nat", "policies"].contains($0.name) })
    func needsNoNamesOfProtocols(_ example: Example) throws {
        for name in example.hosts { try Life(example, on: name).leadWithoutNames() }
    }
}

/// One host of an example, from its first plan to nothing.
private struct Life {
    let example: Example
    let options: [String]
    let host: ScratchHost
    let world: ScratchHost
    private let routing: RoutingDaemons?

    init(_ example: Example, on name: String?) throws {
        self.example = example
        options = name.map { ["--host", $0] } ?? []
        host = try ScratchHost()
        world = try ScratchHost()
        routing = example.wantsRouting ? try RoutingDaemons(on: host) : nil
        // What the examples expect of a host: a card to the world with these addresses, and a second one to use.
        try host.connect(
            "eth0", ["192.0.2.1/24", "198.51.100.7/32", "2001:db8::1/64"], to: world, "eth0",
            ["192.0.2.254/24", "2001:db8::254/64"])
        if let underlay = name.flatMap({ example.underlays[$0] }) {
            // A session with an address of the host itself is none.
            if example.wantsRouting { try host.sh("ip address del 192.0.2.1/24 dev eth0") }
            try host.sh("ip address replace \(underlay)\(underlay.contains(":") ? "/64 nodad" : "/24") dev eth0")
        }
        try host.connect("eth1", [], to: world, "eth1", [])
        try host.sh("ip route add default via 192.0.2.254; ip route add default via 2001:db8::254")
        // A bridge of somebody else.
        try host.connect("eth2", [], to: world, "eth2", [])
        try host.sh("ip link add br0 type bridge; ip link set eth2 master br0; ip link set br0 up")
    }

    func lead() throws {
        let before = try HostDump(host)
        try expect("apply", "--yes", gives: 0)
        let applied = try HostDump(host)
        #expect(applied.differences(from: before) != [])
        try expectInSync()

        let changed = try changeByHand()
        let drift = try expect("drift", gives: 2)
        #expect(drift.output.contains("`bulkhead apply` repairs them"))
        try expect("apply", "--yes", gives: 0)
        try expectInSync()
        let repaired = try HostDump(host)
        #expect(repaired.differences(from: applied) == [], "after \(changed.joined(separator: "; "))")

        try expect("destroy", "--yes", gives: 0)
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try host.sh("ls -A /run/netns; ls -A \(host.folder.path)/etc") == "")
    }

    func leadWithoutNames() throws {
        try host.sh("mount --bind /dev/null /etc/protocols")
        try expect("apply", "--yes", gives: 0)
        try expectInSync()
        try host.sh("umount /etc/protocols")
        try expectInSync()
        try expect("destroy", "--yes", gives: 0)
    }

    private func expectInSync() throws {
        let plan = try expect("plan", "--detailed-exitcode", gives: 0)
        #expect(plan.output.hasSuffix("In sync: nothing to do.\n"))
        let drift = try expect("drift", gives: 0)
        #expect(drift.output == "In sync: nothing to do.\n")
    }

    @discardableResult
    private func expect(_ verb: String, _ flags: String..., gives status: Int32) throws -> ScratchHost.Result {
        let result = try host.run([ScratchHost.binary, verb, example.path] + flags + options)
        try #require(result.status == status, "\(verb): \(result.output)\(result.errors)")
        return result
    }

    /// What a careless administrator might do: a link of ours goes down, a route or an address of a compartment
    /// vanishes, the firewall is emptied. The commands that were used.
    private func changeByHand() throws -> [String] {
        let links = try host.sh("ip -oneline link show").split(separator: "\n")
            .filter { $0.contains("alias bulkhead:") }
        let name = links.last?.split(separator: ":")[1].split(separator: "@").first
        // Macvlans have no end on the host.
        var commands = name.map { ["ip link set \($0.trimmingCharacters(in: .whitespaces)) down"] } ?? []
        for namespace in try host.sh("ls -A /run/netns").split(separator: "\n").prefix(1) {
            commands.append("ip -n \(namespace) link set lo down")
            commands.append("ip -n \(namespace) address flush scope global")
            if name == nil { commands.append("ip -n \(namespace) link set eth0 down") }
        }
        for table in try host.sh("nft list tables").split(separator: "\n") where table.hasSuffix(" bulkhead") {
            commands.append("nft flush \(table)")
        }
        for command in commands { try host.sh(command) }
        return commands
    }
}
